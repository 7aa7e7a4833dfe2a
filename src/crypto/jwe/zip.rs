//! DEFLATE without a wrapper (RFC 1951), as `zip` `DEF` means (RFC 7516 section 4.1.3), and back under a bound.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Compresses; none when the compressor refuses, which it never does on bytes in memory.
pub(super) fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut compressor = Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    loop {
        let rest = bytes.get(usize::try_from(compressor.total_in()).ok()?..)?;
        match compressor.compress_vec(rest, &mut out, FlushCompress::Finish).ok()? {
            Status::StreamEnd => return Some(out),
            _ => out.reserve(out.capacity()),
        }
    }
}

/// Inflates to at most `most` bytes, and never allocates more than one beyond; none for what is larger, damaged, cut off or
/// followed by more bytes.
pub(super) fn inflate(deflated: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut decompressor = Decompress::new(false);
    // One byte of room beyond the bound tells data that reach it from data that pass it.
    let room = most.saturating_add(1);
    let mut out = Vec::with_capacity(room.min(deflated.len().saturating_mul(4)));
    loop {
        let rest = deflated.get(usize::try_from(decompressor.total_in()).ok()?..)?;
        let status = decompressor.decompress_vec(rest, &mut out, FlushDecompress::None).ok()?;
        if out.len() > most {
            return None;
        }
        match status {
            Status::StreamEnd => break,
            // Output space was left, so it is the input that ran out.
            _ if out.len() < out.capacity() => return None,
            _ => out.reserve_exact((room - out.len()).min(out.len().max(64))),
        }
    }
    (decompressor.total_in() == deflated.len() as u64).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bound_is_met_exactly_and_bounds_the_memory() {
        let deflated = deflate(&vec![0; 300_000]).expect("bytes in memory deflate");
        assert!(deflated.len() < 1000, "{}", deflated.len());
        let inflated = inflate(&deflated, 300_000).expect("it is as long as allowed");
        assert!(inflated.len() == 300_000 && inflated.capacity() <= 300_001);
        assert_eq!((inflate(&deflated, 299_999), inflate(&deflated, 0)), (None, None));
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        let deflated = deflate(b"a credential request, and again a credential request").expect("bytes in memory deflate");
        for length in 0..deflated.len() {
            assert_eq!(inflate(&deflated[..length], 1 << 20), None, "{length}");
        }
        assert_eq!(inflate(&[&deflated[..], &[0]].concat(), 1 << 20), None);
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates_and_no_bytes_pass_the_bound(bytes: Vec<u8>, most in 0_usize..500) {
            let deflated = deflate(&bytes).expect("bytes in memory deflate");
            prop_assert_eq!(inflate(&deflated, bytes.len()), Some(bytes.clone()));
            if let Some(inflated) = inflate(&bytes, most) {
                prop_assert!(inflated.len() <= most);
            }
        }
    }
}
