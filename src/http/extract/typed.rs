//! JSON values as typed values, with the place of what is wrong and never its value.
//!
//! `serde_json` says "invalid type: string \"...\"" and so repeats what was sent; a problem document must not, for it
//! may be someone's name.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Value;

use crate::http::problem::{FieldProblem, Words};

/// What is wrong with one member, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) of the member.
    pub pointer: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// It is not there.
    Missing,
    /// It should not be there.
    Unknown,
    /// It is of another type; the expected one in words.
    Type(String),
    /// It has a value it cannot have.
    Value,
}

/// Turns a value into `T`.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    let place = RefCell::new(None);
    T::deserialize(Node { value, path: &Path::Root, place: &place }).map_err(|Failed { wrong, member }| {
        let parent = place.into_inner().unwrap_or_default();
        let pointer = member.map_or_else(|| parent.clone(), |member| format!("{parent}/{}", escaped(member)));
        FieldError { pointer, wrong }
    })
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        let (code, message) = match error.wrong {
            Wrong::Missing => ("missing", Words::new("缺少该字段", "the member is missing")),
            Wrong::Unknown => {
                ("unknown", Words::new("该对象中有不认识的字段", "the object has a member that is not known here"))
            }
            Wrong::Type(expected) => ("wrong_type", Words::new("字段类型错误", format!("{expected} is expected"))),
            Wrong::Value => ("invalid", Words::new("字段值无效", "the value is not one of those allowed")),
        };
        Self { pointer: error.pointer, code: code.to_owned(), message }
    }
}

/// What serde is told; the place is kept beside it, because serde unwinds from the inside out.
#[derive(Debug)]
struct Failed {
    wrong: Wrong,
    /// The missing member, whose name the type itself gives.
    member: Option<&'static str>,
}

impl Failed {
    const fn because(wrong: Wrong) -> Self {
        Self { wrong, member: None }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.wrong)
    }
}

impl std::error::Error for Failed {}

impl de::Error for Failed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::because(Wrong::Value)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::because(Wrong::Type(in_words(&expected.to_string())))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::because(Wrong::Type(in_words(&expected.to_string())))
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::because(Wrong::Unknown)
    }

    fn missing_field(field: &'static str) -> Self {
        Self { wrong: Wrong::Missing, member: Some(field) }
    }
}

/// What serde calls by the names of Rust, in the words of JSON.
fn in_words(expected: &str) -> String {
    match expected {
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "a boolean" => "true or false".to_owned(),
        name if name.starts_with("struct ") => "an object".to_owned(),
        name if name.starts_with(['i', 'u']) && name[1..].chars().all(|c| c.is_ascii_digit()) => "a whole number".to_owned(),
        name => name.to_owned(),
    }
}

/// The way from the root to a value.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, String),
    Element(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => format!("{}/{}", parent.pointer(), escaped(name)),
            Self::Element(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Node<'a> {
    value: Value,
    path: &'a Path<'a>,
    place: &'a RefCell<Option<String>>,
}

impl Node<'_> {
    /// Notes the place of an error, unless one deeper inside did.
    fn noted<T>(path: &Path<'_>, place: &RefCell<Option<String>>, result: Result<T, Failed>) -> Result<T, Failed> {
        if result.is_err() {
            place.borrow_mut().get_or_insert_with(|| path.pointer());
        }
        result
    }
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        let Self { value, path, place } = self;
        let result = match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (_, _, Some(number)) => visitor.visit_f64(number),
                _ => Err(Failed::because(Wrong::Value)),
            },
            Value::Array(items) => visitor.visit_seq(Elements { items: items.into_iter(), index: 0, path, place }),
            Value::Object(map) => visitor.visit_map(Members { entries: map.into_iter(), current: None, path, place }),
        };
        Node::noted(path, place, result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failed> {
        let (path, place) = (self.path, self.place);
        Node::noted(path, place, visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let result = match self.value {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            _ => Err(Failed::because(Wrong::Type("a string".to_owned()))),
        };
        Node::noted(self.path, self.place, result)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Elements<'a> {
    items: std::vec::IntoIter<Value>,
    index: usize,
    path: &'a Path<'a>,
    place: &'a RefCell<Option<String>>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failed> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let path = Path::Element(self.path, self.index);
        self.index += 1;
        let result = seed.deserialize(Node { value, path: &path, place: self.place });
        Node::noted(&path, self.place, result).map(Some)
    }
}

struct Members<'a> {
    entries: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
    path: &'a Path<'a>,
    place: &'a RefCell<Option<String>>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failed> {
        let Some((name, value)) = self.entries.next() else { return Ok(None) };
        self.current = Some((name.clone(), value));
        seed.deserialize(IntoDeserializer::<Failed>::into_deserializer(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failed> {
        let (name, value) = self.current.take().ok_or_else(|| Failed::because(Wrong::Value))?;
        let path = Path::Member(self.path, name);
        let result = seed.deserialize(Node { value, path: &path, place: self.place });
        Node::noted(&path, self.place, result)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{base::time::Date, model::card::Reason};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        born: Option<Date>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        count: u8,
        reason: Reason,
    }

    fn read(text: &str) -> Result<Outer, FieldError> {
        from_value(crate::base::json::parse(text.as_bytes()).expect("JSON"))
    }

    #[test]
    fn a_good_value_is_read() {
        let outer = read(r#"{"name":"x","born":"2000-02-29","inner":[{"count":3,"reason":"lost","more":{}}]}"#);
        let inner = Inner { count: 3, reason: Reason::Lost };
        assert_eq!(outer, Ok(Outer { name: "x".into(), born: Date::parse("2000-02-29").ok(), inner: vec![inner] }));
        assert!(read(r#"{"name":"x","born":null}"#).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let cases = [
            (r#"{"born":null}"#, "/name", Wrong::Missing),
            (r#"{"name":7}"#, "/name", Wrong::Type("a string".into())),
            (r#"{"name":null}"#, "/name", Wrong::Type("a string".into())),
            (r#"{"name":"x","a/b":1}"#, "", Wrong::Unknown),
            (r#"{"name":"x","born":"2001-02-29"}"#, "/born", Wrong::Value),
            (
                r#"{"name":"x","inner":[{"count":1,"reason":"lost"},{"count":"1","reason":"lost"}]}"#,
                "/inner/1/count",
                Wrong::Type("a whole number".into()),
            ),
            (r#"{"name":"x","inner":[{"count":256,"reason":"lost"}]}"#, "/inner/0/count", Wrong::Value),
            (r#"{"name":"x","inner":[{"count":1}]}"#, "/inner/0/reason", Wrong::Missing),
            (r#"{"name":"x","inner":[{"count":1,"reason":"bored"}]}"#, "/inner/0/reason", Wrong::Value),
            (r#"{"name":"x","inner":[{"count":1,"reason":{"lost":null}}]}"#, "/inner/0/reason", Wrong::Type("a string".into())),
            (r#"{"name":"x","inner":{}}"#, "/inner", Wrong::Type("a list".into())),
            ("[]", "", Wrong::Type("an object".into())),
        ];
        for (text, pointer, wrong) in cases {
            assert_eq!(read(text), Err(FieldError { pointer: pointer.to_owned(), wrong }), "{text}");
        }
    }
}
