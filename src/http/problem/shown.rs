//! Why there is no decision on what a checkpoint read off a wallet's screen, for people.

use super::presentations::pass_unreadable;
use crate::{
    format::presentation_qr::PresentationQrError,
    http::problem::{Kind, Problem, Words},
    verification::shown::ShownError,
};

impl From<ShownError> for Problem {
    fn from(error: ShownError) -> Self {
        use ShownError as E;
        let english = error.to_string();
        let field = |code, zh| Self::field("/use_case", code, Words::new(zh, english));
        match error {
            E::UseCaseUnknown => field("unknown_use_case", "没有此用途"),
            E::UseCaseNotAllowed => Kind::UseCaseNotAllowed.into(),
            E::NotTaken => field("no_qr_codes", "此用途不接受持证人手机显示的二维码"),
            E::Frames(error) => error.into(),
            E::BoardingPassNotTaken | E::BoardingPass(_) => pass_unreadable(),
            E::Full => Kind::TooManyOpen.into(),
        }
    }
}

impl From<PresentationQrError> for Problem {
    fn from(error: PresentationQrError) -> Self {
        use PresentationQrError as E;
        let (code, zh) = match error {
            E::NotAFrame => ("not_frames", "这不是电子证件应用显示的二维码"),
            E::Mixed => ("mixed", "扫到了两次出示的二维码，请重新扫描"),
            E::Incomplete { .. } => ("incomplete", "二维码尚未扫全，请继续扫描"),
            E::Damaged => ("damaged", "二维码内容损坏，请持证人重新出示"),
            E::TooLarge => ("too_large", "出示的数据过大，请持证人只出示所要求的内容"),
        };
        Self::field("/frames", code, Words::new(zh, error.to_string()))
    }
}
