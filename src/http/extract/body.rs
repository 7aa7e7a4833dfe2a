//! Reading a request body: of the right media type, at most so many bytes, in at most so many seconds.

use std::{future::poll_fn, pin::pin, time::Duration};

use actix_web::{
    HttpRequest,
    body::{BodyStream, MessageBody, to_bytes_limited},
    dev::Payload,
    http::header::{self, HeaderMap},
    web::Bytes,
};

use crate::{
    base::limits::BODY_SECONDS,
    http::problem::{Kind, Problem},
};

/// Why a body was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyError {
    /// Another content type than the resource takes, none, or two; or a content encoding.
    MediaType,
    /// More bytes than the resource takes.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::MediaType => Kind::UnsupportedMediaType,
            BodyError::TooLarge => Kind::BodyTooLarge,
            BodyError::TooSlow => Kind::BodyTooSlow,
            BodyError::Broken => Kind::InvalidRequest,
        }
        .into()
    }
}

/// What a resource takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MediaType {
    /// `application/json` (RFC 8259), whose only parameter in use is `charset=utf-8`.
    Json,
    /// `application/jwt` (RFC 7519 section 10.3.1): a request that is encrypted.
    Jwt,
    /// `application/x-www-form-urlencoded`, as OAuth requests are sent (RFC 6749 section 3.2).
    Form,
    /// `text/csv` (RFC 4180), as office programs write it.
    Csv,
}

impl MediaType {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jwt => "application/jwt",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Csv => "text/csv",
        }
    }

    /// The one of these that the headers announce; the first when they announce none of them, which reading then refuses.
    pub fn announced<const N: usize>(request: &HttpRequest, of: [Self; N]) -> Self {
        let [first, ..] = of.as_slice() else { return Self::Json };
        of.into_iter().find(|media| media.is_announced_by(request.headers())).unwrap_or(*first)
    }

    /// Whether the headers announce this type and no encoding. A compressed body is not taken anywhere: it could be a
    /// thousand times as large as what was sent.
    fn is_announced_by(self, headers: &HeaderMap) -> bool {
        let mut types = headers.get_all(header::CONTENT_TYPE);
        let (Some(only), None) = (types.next(), types.next()) else { return false };
        let Ok(text) = only.to_str() else { return false };
        let (essence, parameters) = text.split_once(';').map_or((text, None), |(essence, rest)| (essence, Some(rest.trim())));
        let parameters_are_known = parameters
            .is_none_or(|text| text.eq_ignore_ascii_case("charset=utf-8") || text.eq_ignore_ascii_case("charset=\"utf-8\""));
        essence.trim().eq_ignore_ascii_case(self.name())
            && parameters_are_known
            && headers.get_all(header::CONTENT_ENCODING).all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    }
}

/// Reads the body of `request`, at most `limit` bytes within [`BODY_SECONDS`]. An announced length beyond the limit is
/// refused before a byte is read.
pub async fn read(request: &HttpRequest, payload: Payload, media: MediaType, limit: usize) -> Result<Bytes, BodyError> {
    if !media.is_announced_by(request.headers()) {
        return Err(BodyError::MediaType);
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge);
    }
    let all = tokio::time::timeout(Duration::from_secs(BODY_SECONDS), collect(payload, limit));
    all.await.unwrap_or(Err(BodyError::TooSlow))
}

/// Reads a body of at most `limit` bytes past: an answer that came before it would be lost with the connection, and whoever
/// is to be told no does not fill memory.
pub async fn pass_over(payload: Payload, limit: usize) {
    let all = async {
        let mut body = pin!(BodyStream::new(payload));
        let mut left = limit;
        while let Some(Ok(chunk)) = poll_fn(|context| body.as_mut().poll_next(context)).await {
            let Some(less) = left.checked_sub(chunk.len()) else { break };
            left = less;
        }
    };
    // Too slow or too long: the answer is sent anyway.
    let _ = tokio::time::timeout(Duration::from_secs(BODY_SECONDS), all).await;
}

async fn collect(payload: Payload, limit: usize) -> Result<Bytes, BodyError> {
    let bytes = to_bytes_limited(BodyStream::new(payload), limit).await.map_err(|_| BodyError::TooLarge)?;
    bytes.map_err(|_| BodyError::Broken)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_media_type_is_exact() {
        let announced = |pairs: &[(&'static str, &'static str)]| {
            let request =
                pairs.iter().fold(TestRequest::post(), |request, pair| request.append_header(*pair)).to_http_request();
            MediaType::Json.is_announced_by(request.headers())
        };
        for good in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
        {
            assert!(announced(&[("content-type", good)]), "{good}");
        }
        for bad in
            ["", "text/plain", "application/jsonp", "application/json; charset=utf-16", "application/json, text/plain", "json"]
        {
            assert!(!announced(&[("content-type", bad)]), "{bad}");
        }
        assert!(!announced(&[]));
        assert!(!announced(&[("content-type", "application/json"), ("content-type", "application/json")]));
        assert!(!announced(&[("content-type", "application/json"), ("content-encoding", "gzip")]));
        assert!(announced(&[("content-type", "application/json"), ("content-encoding", "identity")]));
    }
}
