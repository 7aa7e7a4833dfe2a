//! Errors as OAuth 2.0 and OpenID4VCI name them (RFC 6749 section 5.2, RFC 6750 section 3.1, OpenID4VCI 1.0 section
//! 8.3.1.2): what wallets understand.

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};

use crate::{
    format::openid::ErrorResponse,
    http::{
        call::CallError,
        extract::BodyError,
        problem::{Kind, Problem},
    },
};

/// An error of the protocol.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    retry_after: Option<u32>,
}

/// The body of an error.
#[derive(utoipa::ToSchema)]
#[schema(as = OAuthError)]
#[expect(dead_code, reason = "describes `format::openid::ErrorResponse`, which cannot name the framework")]
pub struct OAuthErrorDocument {
    /// The code.
    error: String,
    /// What happened, in ASCII (RFC 6749 section 5.2 allows no other characters).
    error_description: Option<String>,
}

impl OAuthError {
    /// An error with status 400.
    pub fn bad_request(error: &'static str, description: &str) -> Self {
        Self::of_status(StatusCode::BAD_REQUEST, error, description)
    }

    /// The access token is missing or not good (RFC 6750 section 3.1).
    pub fn invalid_token() -> Self {
        let description = "the access token is missing, expired or not for this service";
        Self::of_status(StatusCode::UNAUTHORIZED, "invalid_token", description)
    }

    fn of_status(status: StatusCode, error: &'static str, description: &str) -> Self {
        Self { status, error, description: description.to_owned(), retry_after: None }
    }

    /// The code.
    pub const fn code(&self) -> &'static str {
        self.error
    }
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.error)
    }
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = format!(r#"Bearer realm="yufu", error="{}""#, self.error);
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response.json(ErrorResponse::new(self.error, &self.description))
    }
}

impl From<BodyError> for OAuthError {
    fn from(error: BodyError) -> Self {
        use StatusCode as S;
        let (status, description) = match error {
            BodyError::MediaType => (S::UNSUPPORTED_MEDIA_TYPE, "this endpoint does not take this content type or encoding"),
            BodyError::TooLarge => (S::PAYLOAD_TOO_LARGE, "the body is too large"),
            BodyError::TooSlow => (S::REQUEST_TIMEOUT, "the body did not arrive in time"),
            BodyError::Broken => (S::BAD_REQUEST, "the body is broken off"),
        };
        Self::of_status(status, "invalid_request", description)
    }
}

impl From<CallError> for OAuthError {
    fn from(error: CallError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Problem> for OAuthError {
    /// What is wrong with the service itself, in OAuth's two words for it (RFC 6749 section 4.1.2.1).
    fn from(problem: Problem) -> Self {
        match problem.kind().status() {
            StatusCode::SERVICE_UNAVAILABLE => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                error: "temporarily_unavailable",
                description: if problem.kind() == Kind::Guarded {
                    "the store is guarded; the operator has to run yufu repair".to_owned()
                } else {
                    "the service cannot do this now, try again later".to_owned()
                },
                retry_after: Some(problem.kind().retry_after().unwrap_or(60)),
            },
            _ => Self::of_status(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "something went wrong here"),
        }
    }
}
