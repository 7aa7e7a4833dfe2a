//! A visitor who is signed in.

use std::{future::Future, pin::Pin};

use actix_web::{
    Error, FromRequest, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{Method, StatusCode, header},
    web,
};

use crate::{
    http::{
        State,
        call::call,
        citizen::page::{Visitor, is_local},
        problem::{Kind, Problem},
    },
    model::sign_in::CitizenSession,
};

/// Where people sign in.
pub(in crate::http) const SIGN_IN: &str = "/sign-in";

/// Where people get to when nothing else was asked for.
pub(in crate::http) const HOME: &str = "/my";

/// Somebody who is signed in. As an argument of a handler it sends anybody else to sign in, and back here afterwards; as an
/// `Option` it is none for anybody else.
pub(in crate::http) struct Citizen {
    /// The visitor.
    pub(in crate::http) visitor: Visitor,
    /// The session.
    pub(in crate::http) session: CitizenSession,
}

/// Whoever asked is to sign in first.
#[derive(Debug, thiserror::Error)]
#[error("not signed in")]
pub(in crate::http) struct SignInFirst {
    location: String,
}

impl SignInFirst {
    /// To come back to this address, if it is one of ours.
    pub(in crate::http) fn and_return_to(address: &str) -> Self {
        Self { location: sign_in_for(address) }
    }
}

/// The page to sign in at, which leads on to this address.
pub(in crate::http) fn sign_in_for(address: &str) -> String {
    if !is_local(address) || address == HOME {
        return SIGN_IN.to_owned();
    }
    let coded: String =
        address.bytes().map(|c| if b"?=&%".contains(&c) { format!("%{c:02X}") } else { char::from(c).into() }).collect();
    format!("{SIGN_IN}?return={coded}")
}

impl ResponseError for SignInFirst {
    fn status_code(&self) -> StatusCode {
        StatusCode::SEE_OTHER
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((header::LOCATION, self.location.as_str())).finish()
    }
}

impl FromRequest for Citizen {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let visitor = Visitor::of(&request)?;
            let state = request.app_data::<web::Data<State>>().ok_or(Problem::new(Kind::Internal))?;
            let session = session_of(state, &visitor).await?;
            // Only what was asked for by GET can be asked for again.
            let back = if request.method() == Method::GET { request.uri().to_string() } else { HOME.to_owned() };
            session.map(|session| Self { visitor, session }).ok_or_else(|| SignInFirst::and_return_to(&back).into())
        })
    }
}

/// The session of a visitor, if there is one.
pub(in crate::http) async fn session_of(
    state: &web::Data<State>,
    visitor: &Visitor,
) -> Result<Option<CitizenSession>, Problem> {
    let Some(secret) = visitor.session().cloned() else { return Ok(None) };
    Ok(call(state, move |state| state.sign_ins.session(secret.expose())).await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_page_of_ours() {
        assert_eq!(sign_in_for("/my"), "/sign-in");
        assert_eq!(sign_in_for("/my/cards?a=b&c"), "/sign-in?return=/my/cards%3Fa%3Db%26c");
        for elsewhere in ["//evil.example/", "https://evil.example/", "/\\evil.example", ""] {
            assert_eq!(sign_in_for(elsewhere), "/sign-in", "{elsewhere}");
        }
    }
}
