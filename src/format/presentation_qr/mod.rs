//! A presentation as QR codes on the holder's screen, for wallets that can show it and gates whose line is down.
//!
//! No standard covers this: `docs/PRESENTATION-QR.md` is the specification. The text of a presentation is compressed (RFC
//! 1950), written in base45 (RFC 9285), whose letters a QR code packs tightest, and cut into frames:
//!
//! ```text
//! YF1:<place>/<count>/<check>:<piece>
//! ```
//!
//! `place` counts from 1; `check` is the first 8 hexadecimal digits of the SHA-256 of the compressed bytes, in capitals.
//! It tells the frames of one presentation from those of another. A gate reads frames in any order, as often as the
//! camera sees them.

mod base45;

use std::collections::BTreeMap;

use crate::{
    base::limits::{PRESENTATION_QR_BYTES, PRESENTATION_QR_FRAME_CHARACTERS, PRESENTATION_QR_FRAMES},
    crypto::sha256,
    format::status::{InflateError, compress, inflate},
};

/// How a frame begins: the format and its version.
const MARK: &str = "YF1:";

/// Digits of `check`.
const CHECK_DIGITS: usize = 8;

/// Characters of a frame before its piece at the most: mark, two numbers of two digits, `/`, `/`, check, `:`.
const HEAD_CHARACTERS: usize = MARK.len() + 2 + 1 + 2 + 1 + CHECK_DIGITS + 1;

/// Why frames are refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PresentationQrError {
    /// A text is no frame of a presentation.
    #[error("not a frame of a presentation")]
    NotAFrame,
    /// Frames of two presentations, or two that differ in one place.
    #[error("the frames do not belong together")]
    Mixed,
    /// Some are missing.
    #[error("{missing} of {count} frames are missing")]
    Incomplete {
        /// How many.
        missing: usize,
        /// Of how many.
        count: usize,
    },
    /// The pieces together are not what `check` says, or not base45, or not compressed text.
    #[error("the frames are damaged")]
    Damaged,
    /// Longer than [`PRESENTATION_QR_BYTES`], or more than [`PRESENTATION_QR_FRAMES`] frames.
    #[error("the presentation is longer than allowed")]
    TooLarge,
}

/// The frames of a presentation, in order.
pub fn frames(presentation: &str) -> Result<Vec<String>, PresentationQrError> {
    if presentation.len() > PRESENTATION_QR_BYTES {
        return Err(PresentationQrError::TooLarge);
    }
    let compressed = compress(presentation.as_bytes()).map_err(|_| PresentationQrError::TooLarge)?;
    let check = check(&compressed);
    let text = base45::encode(&compressed);
    // base45 is ASCII: a cut between bytes is one between characters.
    let pieces: Vec<_> = text.as_bytes().chunks(PRESENTATION_QR_FRAME_CHARACTERS - HEAD_CHARACTERS).collect();
    let count = pieces.len();
    if count > PRESENTATION_QR_FRAMES {
        return Err(PresentationQrError::TooLarge);
    }
    let frame =
        |(place, piece): (usize, &&[u8])| format!("{MARK}{}/{count}/{check}:{}", place + 1, String::from_utf8_lossy(piece));
    Ok(pieces.iter().enumerate().map(frame).collect())
}

/// The presentation of these frames, in any order, each once or more.
pub fn collect<'a>(frames: impl IntoIterator<Item = &'a str>) -> Result<String, PresentationQrError> {
    let mut pieces = BTreeMap::new();
    let mut first: Option<Frame<'a>> = None;
    for text in frames {
        let frame = Frame::read(text)?;
        let head = *first.get_or_insert(frame);
        if (head.count, head.check) != (frame.count, frame.check) {
            return Err(PresentationQrError::Mixed);
        }
        if pieces.insert(frame.place, frame.piece).is_some_and(|earlier| earlier != frame.piece) {
            return Err(PresentationQrError::Mixed);
        }
    }
    let head = first.ok_or(PresentationQrError::NotAFrame)?;
    if pieces.len() < head.count {
        return Err(PresentationQrError::Incomplete { missing: head.count - pieces.len(), count: head.count });
    }
    let compressed = base45::decode(&pieces.into_values().collect::<String>()).ok_or(PresentationQrError::Damaged)?;
    if check(&compressed) != head.check {
        return Err(PresentationQrError::Damaged);
    }
    let text = inflate(&compressed, PRESENTATION_QR_BYTES).map_err(|error| match error {
        InflateError::TooLarge => PresentationQrError::TooLarge,
        _ => PresentationQrError::Damaged,
    })?;
    String::from_utf8(text).map_err(|_| PresentationQrError::Damaged)
}

fn check(compressed: &[u8]) -> String {
    sha256(compressed).iter().take(CHECK_DIGITS / 2).map(|byte| format!("{byte:02X}")).collect()
}

#[derive(Clone, Copy)]
struct Frame<'a> {
    place: usize,
    count: usize,
    check: &'a str,
    piece: &'a str,
}

impl<'a> Frame<'a> {
    fn read(text: &'a str) -> Result<Self, PresentationQrError> {
        if text.len() > PRESENTATION_QR_FRAME_CHARACTERS {
            return Err(PresentationQrError::TooLarge);
        }
        Self::split(text).ok_or(PresentationQrError::NotAFrame)
    }

    fn split(text: &'a str) -> Option<Self> {
        let (head, piece) = text.strip_prefix(MARK)?.split_once(':')?;
        let mut parts = head.split('/');
        let (place, count, check) = (number(parts.next()?)?, number(parts.next()?)?, parts.next()?);
        let good = parts.next().is_none()
            && (1..=count).contains(&place)
            && count <= PRESENTATION_QR_FRAMES
            && check.len() == CHECK_DIGITS
            && !piece.is_empty();
        good.then_some(Self { place, count, check, piece })
    }
}

/// One or two digits, without a zero in front.
fn number(text: &str) -> Option<usize> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::base64url;

    fn presentation(bytes: usize) -> String {
        // Base64url of bytes that look random, as signatures and salts do.
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        base64url::encode((0..bytes * 3 / 4).map(|_| next()).collect::<Vec<_>>())
    }

    fn texts(frames: &[String]) -> impl Iterator<Item = &str> {
        frames.iter().map(String::as_str)
    }

    #[test]
    fn frames_come_back_in_any_order_and_as_often_as_they_are_seen() {
        let text = presentation(4000);
        let frames = frames(&text).expect("it fits");
        assert!(frames.len() > 3, "{}", frames.len());
        for frame in &frames {
            assert!(frame.len() <= PRESENTATION_QR_FRAME_CHARACTERS);
            assert!(frame.bytes().all(base45::is_letter), "{frame}");
        }
        assert_eq!(collect(texts(&frames)), Ok(text.clone()));
        assert_eq!(collect(texts(&frames).chain(texts(&frames).take(2))), Ok(text.clone()));
        let mut turned = frames.clone();
        turned.reverse();
        assert_eq!(collect(texts(&turned)), Ok(text));
    }

    #[test]
    fn frames_of_two_presentations_do_not_mix() {
        let (one, other) = (frames("one~").expect("it fits"), frames("other~").expect("it fits"));
        assert_eq!(collect(texts(&one).chain(texts(&other))), Err(PresentationQrError::Mixed));
        let long = frames(&presentation(2000)).expect("it fits");
        let twin = format!("{}X", &long[0][..long[0].len() - 1]);
        assert_eq!(collect(texts(&long).chain([twin.as_str()])), Err(PresentationQrError::Mixed));
        let swapped = [twin.as_str()].into_iter().chain(texts(&long).skip(1));
        assert_eq!(collect(swapped), Err(PresentationQrError::Damaged));
    }

    #[test]
    fn what_is_missing_is_said() {
        let all = frames(&presentation(4000)).expect("it fits");
        let some: Vec<_> = texts(&all).skip(2).collect();
        assert_eq!(collect(some), Err(PresentationQrError::Incomplete { missing: 2, count: all.len() }));
        assert_eq!(collect([]), Err(PresentationQrError::NotAFrame));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for text in [
            "",
            "YF1:",
            "YF1:1/1/ABCDEF01:",
            "YF2:1/1/ABCDEF01:AB",
            "YF1:0/1/ABCDEF01:AB",
            "YF1:2/1/ABCDEF01:AB",
            "YF1:01/1/ABCDEF01:AB",
            "YF1:1/33/ABCDEF01:AB",
            "YF1:1/100/ABCDEF01:AB",
            "YF1:1/1/ABCDEF0:AB",
            "YF1:1/1:AB",
            "YF1:1/1/ABCDEF01/2:AB",
            "M1DOE/JOHN            EABC123 KWEPEKCZ 3456 328Y012A0001 100",
            "YF1:+1/1/ABCDEF01:AB",
        ] {
            assert_eq!(collect([text]), Err(PresentationQrError::NotAFrame), "{text}");
        }
        assert_eq!(collect(["YF1:1/1/ABCDEF01:AB"]), Err(PresentationQrError::Damaged));
        let long = format!("YF1:1/1/ABCDEF01:{}", "A".repeat(PRESENTATION_QR_FRAME_CHARACTERS));
        assert_eq!(collect([long.as_str()]), Err(PresentationQrError::TooLarge));
    }

    /// THREATS F10: what a few frames inflate to is bounded.
    #[test]
    fn a_bomb_is_not_inflated() {
        let compressed = compress(&vec![b'a'; 64 * PRESENTATION_QR_BYTES]).expect("it compresses");
        let text = base45::encode(&compressed);
        let count = text.len().div_ceil(500);
        assert!(count <= PRESENTATION_QR_FRAMES);
        let pieces = text.as_bytes().chunks(500).enumerate();
        let bomb: Vec<_> = pieces
            .map(|(place, piece)| {
                format!("YF1:{}/{count}/{}:{}", place + 1, check(&compressed), String::from_utf8_lossy(piece))
            })
            .collect();
        assert_eq!(collect(texts(&bomb)), Err(PresentationQrError::TooLarge));
        assert_eq!(frames(&presentation(PRESENTATION_QR_BYTES * 2)), Err(PresentationQrError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[ -~]{1,3000}") {
            let frames = frames(&text).expect("it fits");
            prop_assert_eq!(collect(texts(&frames)), Ok(text));
        }

        #[test]
        fn reading_never_panics(texts in prop::collection::vec("(YF1:[0-9]{1,3}/[0-9]{1,3}/[0-9A-F]{8}:)?[ -Z]{0,40}", 0..6)) {
            let _ = collect(texts.iter().map(String::as_str));
        }
    }
}
