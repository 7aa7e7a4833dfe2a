//! A JSON body as a typed value.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use crate::{
    base::{json, limits::JSON_BODY_BYTES},
    http::{
        extract::{MediaType, from_value, read_body},
        problem::{Kind, Problem},
    },
};

/// The body of a request as `T`, at most `LIMIT` bytes of JSON. Anything else is answered with a problem that names the
/// member that is wrong, never its value.
pub struct JsonBody<T, const LIMIT: usize = JSON_BODY_BYTES>(pub T);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for JsonBody<T, LIMIT> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_body(&request, payload, MediaType::Json, LIMIT).await?;
            let value = json::parse(&body).map_err(|_| Kind::InvalidJson)?;
            Ok(Self(from_value(value).map_err(|error| Problem::fields(vec![error.into()]))?))
        })
    }
}
