//! Admission by hand: an officer lets somebody pass of whom the service could not tell. What the officer does first, and
//! the reasons that can be given, are fixed lists, so that they can be counted and nobody is named in free text.

use serde::{Deserialize, Serialize};

use crate::model::reason::{Message, ReasonCode};

macro_rules! reasons {
    ($($variant:ident = $name:literal, $zh:literal, $en:literal;)*) => {
        /// Why an officer let somebody pass, by a stable name.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        pub enum AdmissionReason {
            $(#[doc = $en] #[serde(rename = $name)] $variant,)*
        }

        impl AdmissionReason {
            /// Every reason, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The reason in words.
            pub fn label(self) -> Message {
                match self { $(Self::$variant => words(($zh, $en)),)* }
            }
        }
    };
}

reasons! {
    DocumentChecked = "document_checked", "已人工核对实体证件", "Another document was checked by hand";
    SupervisorConfirmed = "supervisor_confirmed", "值班主管已确认", "A supervisor confirmed it";
    KnownTechnicalFault = "known_technical_fault", "已知技术故障，按预案处理", "A known technical fault, handled as planned for it";
    BoardingNameVariant = "boarding_name_variant", "登机牌姓名写法差异，系同一人", "The pass spells the same person's name another way";
    Other = "other", "其他原因，已另行登记", "Another reason, recorded elsewhere";
}

type Step = (&'static str, &'static str);

const COMPARE_FACE: Step = ("将本人与证件照片比对。", "Compare the person with the portrait on the card or document.");
const OTHER_DOCUMENT: Step =
    ("查验护照、身份证等实体证件，核对姓名和号码。", "Check another document, such as a passport: name and number.");
const PRESENT_AGAIN: Step = ("请持证人重新扫码出示一次。", "Have the holder scan and present once more.");
const ASK_SUPERVISOR: Step = ("仍有疑问时请值班主管决定。", "If any doubt is left, have a supervisor decide.");

/// What an officer does, in this order, when the service could not tell for this reason; nothing for a reason of another
/// decision.
pub fn steps(because: ReasonCode) -> Vec<Message> {
    use ReasonCode as R;
    let steps: &[Step] = match because {
        R::StatusUnavailable => &[
            ("查看网络连接，稍等片刻后重新查验。", "Look at the network connection, wait a moment and check again."),
            OTHER_DOCUMENT,
            COMPARE_FACE,
            ASK_SUPERVISOR,
        ],
        R::StatusTooOld => &[
            (
                "查看判断书中状态的时间；重新查验一次以取得新状态。",
                "See how old the status is; check once more to get a newer one.",
            ),
            OTHER_DOCUMENT,
            COMPARE_FACE,
            ASK_SUPERVISOR,
        ],
        R::ShownWithoutRequest => &[
            (
                "请持证人先扫描此处的短时码，再生成出示码。",
                "Have the holder scan this gate's short-lived code first, then make a new one.",
            ),
            COMPARE_FACE,
            OTHER_DOCUMENT,
            ASK_SUPERVISOR,
        ],
        R::SamePersonUnknown => &[
            PRESENT_AGAIN,
            ("逐项核对两张证件上的姓名和出生日期。", "Compare name and birth date on both cards, item by item."),
            OTHER_DOCUMENT,
            ASK_SUPERVISOR,
        ],
        R::BoardingPassPartialMatch => &[
            (
                "核对判断书所列的差异：姓名截短、称谓或拼写。",
                "Check the differences listed: a name cut short, a title, a spelling.",
            ),
            ("核对航班号、日期和座位。", "Check flight number, date and seat."),
            COMPARE_FACE,
            ASK_SUPERVISOR,
        ],
        _ => &[],
    };
    steps.iter().copied().map(words).collect()
}

fn words((zh_cn, en): Step) -> Message {
    Message { zh_cn: zh_cn.to_owned(), en: en.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::Decision;

    #[test]
    fn every_doubt_has_steps_and_nothing_else_has() {
        for code in ReasonCode::ALL {
            let is_doubt = code.decision() == Decision::Undetermined;
            assert_eq!(!steps(*code).is_empty(), is_doubt, "{}: what is an officer to do?", code.name());
        }
    }

    #[test]
    fn a_reason_is_written_by_its_name() {
        for reason in AdmissionReason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("a name is JSON"), reason.name());
            assert!(reason.label().en.is_ascii() && !reason.label().zh_cn.is_ascii());
        }
    }
}
