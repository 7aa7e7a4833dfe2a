//! Parameters of a query or a form: each name once (RFC 6749 section 3.1, THREATS OA-07).

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Query};

use crate::http::problem::{Problem, Words};

/// Parameters by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Params(BTreeMap<String, String>);

/// Why parameters are not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParamsError {
    /// Not URL-encoded UTF-8.
    Malformed,
    /// A name that stands twice.
    Doubled,
}

impl Params {
    /// Reads URL-encoded pairs.
    pub fn parse(text: &str) -> Result<Self, ParamsError> {
        let pairs = Query::<Vec<(String, String)>>::from_query(text).map_err(|_| ParamsError::Malformed)?.into_inner();
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if params.insert(name, value).is_some() {
                return Err(ParamsError::Doubled);
            }
        }
        Ok(Self(params))
    }

    /// Takes out a parameter as it stands; none when it is missing or empty, which OAuth treats alike (RFC 6749
    /// section 3.1).
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// Takes out a parameter that reads as `T`.
    pub fn take_parsed<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let words = Words::new("该参数的值无效", "the value of this parameter is not valid");
        text.parse().map(Some).map_err(|_| Problem::field(name, "invalid", words))
    }

    /// Passes when every parameter was taken: a mistyped filter must not look like no filter.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(unknown()) }
    }

    /// Whether there is such a parameter, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn unknown() -> Problem {
    let words = Words::new("有此接口不认识的查询参数", "the query has a parameter that this resource does not know");
    Problem::field("", "unknown", words)
}

impl FromRequest for Params {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let words = |error| match error {
            ParamsError::Malformed => Words::new("查询串格式错误", "the query is not URL-encoded UTF-8"),
            ParamsError::Doubled => Words::new("查询参数重复", "a query parameter stands twice"),
        };
        ready(Self::parse(request.query_string()).map_err(|error| Problem::field("", "invalid", words(error))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once() {
        let mut params = Params::parse("a=1&b=%E9%B1%BC+x&c=").expect("good parameters");
        assert_eq!(params.take_parsed::<u8>("a"), Ok(Some(1)));
        assert_eq!(params.take("b").as_deref(), Some("鱼 x"));
        assert!(params.has("c"));
        assert_eq!(params.take("c"), None);
        assert_eq!(params.finish(), Ok(()));
        assert_eq!(Params::parse("a=1&%61=2"), Err(ParamsError::Doubled));
        assert_eq!(Params::parse("a&a"), Err(ParamsError::Doubled));
        assert_eq!(Params::parse("x=1").expect("good parameters").finish(), Err(unknown()));
        assert_eq!(Params::parse(""), Ok(Params::default()));
    }
}
