//! What a form of ours sent. A form comes from a page of this service that was shown to the same browser, or it is refused:
//! another site can make a browser send forms, but it knows neither the token nor our origin.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web,
};
use subtle::ConstantTimeEq;

use crate::{
    base::limits::FORM_BODY_BYTES,
    http::{
        State,
        citizen::page::Visitor,
        extract::{MediaType, Params, read_body},
        problem::{Kind, Problem},
    },
};

/// The hidden field that every form has.
const TOKEN: &str = "form";

/// The fields of a form, and who sent it.
pub(in crate::http) struct Form {
    /// Who.
    pub(in crate::http) visitor: Visitor,
    /// What; each field once.
    pub(in crate::http) fields: Params,
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let visitor = Visitor::of(&request)?;
            let body = read_body(&request, payload, MediaType::Form, FORM_BODY_BYTES).await?;
            let state = request.app_data::<web::Data<State>>().ok_or(Problem::new(Kind::Internal))?;
            let text = std::str::from_utf8(&body).map_err(|_| Kind::InvalidRequest)?;
            let mut fields = Params::parse(text).map_err(|_| Kind::InvalidRequest)?;
            let token = fields.take(TOKEN).unwrap_or_default();
            let is_ours: bool = token.as_bytes().ct_eq(visitor.token().as_bytes()).into();
            if is_ours && comes_from(&state.public_url, request.headers()) {
                Ok(Self { visitor, fields })
            } else {
                Err(Kind::FormNotOurs.into())
            }
        })
    }
}

/// Whether the browser says that the request comes from a page of this origin. One that says nothing is as good as its token.
fn comes_from(public_url: &str, headers: &HeaderMap) -> bool {
    let all = |name: &str, good: &str| headers.get_all(name).all(|value| value.as_bytes() == good.as_bytes());
    all(header::ORIGIN.as_str(), public_url) && all("sec-fetch-site", "same-origin")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_a_browser_says_of_another_site_is_believed() {
        let from = |pairs: &[(&'static str, &'static str)]| {
            let request =
                pairs.iter().fold(TestRequest::post(), |request, pair| request.append_header(*pair)).to_http_request();
            comes_from("https://id.example", request.headers())
        };
        let ours = ("origin", "https://id.example");
        for good in [&[][..], &[ours], &[ours, ("sec-fetch-site", "same-origin")]] {
            assert!(from(good), "{good:?}");
        }
        for bad in [
            &[("origin", "null")][..],
            &[("origin", "http://id.example")],
            &[("origin", "https://id.example.evil.example")],
            &[ours, ("origin", "https://evil.example")],
            &[ours, ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!from(bad), "{bad:?}");
        }
    }
}
