//! What is wrong with a field of a person, for people.

use crate::{
    http::problem::{FieldProblem, Words},
    model::{
        id_number::IdNumberError,
        person::{FieldError, Problem},
    },
};

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        let (code, zh) = code_and_chinese(error.problem);
        Self { pointer: pointer(&error.field), code: code.to_owned(), message: Words::new(zh, error.problem.to_string()) }
    }
}

/// `qualifications[0].valid_until` as a JSON pointer (RFC 6901).
fn pointer(field: &str) -> String {
    format!("/{}", field.replace('[', "/").replace(']', "").replace('.', "/"))
}

const fn code_and_chinese(problem: Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Missing => ("missing", "缺少该字段"),
        Problem::Unknown => ("unknown", "没有此字段"),
        Problem::WrongType(_) => ("wrong_type", "字段类型错误"),
        Problem::Empty => ("empty", "不能为空"),
        Problem::TooLong(_) => ("too_long", "内容过长"),
        Problem::BadCharacters => ("bad_characters", "不能含控制字符或首尾空白"),
        Problem::NotLatin => ("not_latin", "只能用拉丁字母、空格、连字符和撇号"),
        Problem::NotOneOf(_) => ("invalid", "不在允许的取值之内"),
        Problem::NotADate => ("not_a_date", "须为 YYYY-MM-DD 形式的日期"),
        Problem::InFuture => ("in_future", "不能晚于今天"),
        Problem::TooLongAgo => ("too_long_ago", "不能早于 1850 年"),
        Problem::EndsBeforeItBegins => ("ends_before_it_begins", "不能早于 valid_from"),
        Problem::IdNumber(error) => id_number(error),
        Problem::DisagreesWithIdNumber => ("disagrees_with_id_number", "与身份号码不一致"),
        Problem::NotAnImage => ("not_an_image", "须为 JPEG 或 PNG 图像的 base64 data URI"),
        Problem::NotClaims => ("not_claims", "嵌套过深，或使用了保留名称"),
        Problem::UnknownCredentialType => ("unknown_credential_type", "没有可凭此资质签发的证件种类"),
    }
}

const fn id_number(error: IdNumberError) -> (&'static str, &'static str) {
    match error {
        IdNumberError::Length => ("id_number_length", "身份号码应为 18 位"),
        IdNumberError::Characters => ("id_number_characters", "身份号码应为 17 位数字加一位数字或 X"),
        IdNumberError::Region => ("id_number_region", "前两位不是省级行政区代码"),
        IdNumberError::BirthDate => ("id_number_birth_date", "第 7 至 14 位不是有效日期"),
        IdNumberError::CheckCharacter => ("id_number_check_character", "校验码不符，号码有误"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_by_its_pointer() {
        let error = FieldError { field: "qualifications[0].valid_until".to_owned(), problem: Problem::EndsBeforeItBegins };
        let problem = FieldProblem::from(error);
        assert_eq!(problem.pointer, "/qualifications/0/valid_until");
        assert_eq!(problem.code, "ends_before_it_begins");
        assert_eq!(pointer("address.region"), "/address/region");
    }
}
