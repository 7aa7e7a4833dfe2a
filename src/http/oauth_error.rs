//! Errors as OAuth 2.0 and OpenID4VCI name them (RFC 6749 section 5.2, RFC 6750 section 3.1, OpenID4VCI 1.0 section
//! 8.3.1.2): what wallets understand.

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};

use crate::{
    crypto::Algorithm,
    format::openid::ErrorResponse,
    http::{
        call::CallError,
        extract::BodyError,
        fresh::{ATTESTATION_CHALLENGE, DPOP_NONCE},
        headers::EXPOSED,
        problem::{Kind, Problem},
    },
    issuance::{AccessError, caller::CallerError, client_attestation::AttestationError, dpop::DpopError, limits::TooOften},
};

/// What the access token of a request that is answered 401 has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Challenge {
    /// Any: of whoever has it, or bound to a key.
    Any,
    /// Bound to a key (RFC 9449 section 7.1).
    Dpop,
}

/// An error of the protocol.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    retry_after: Option<u32>,
    challenge: Challenge,
    fresh: Option<(header::HeaderName, String)>,
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
        let description = description.to_owned();
        Self { status, error, description, retry_after: None, challenge: Challenge::Any, fresh: None }
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
            if self.challenge == Challenge::Any {
                let bearer = format!(r#"Bearer realm="yufu", error="{}""#, self.error);
                response.append_header((header::WWW_AUTHENTICATE, bearer));
            }
            let algorithms = Algorithm::ALL.map(Algorithm::jose_name).join(" ");
            let dpop = format!(r#"DPoP realm="yufu", error="{}", algs="{algorithms}""#, self.error);
            response.append_header((header::WWW_AUTHENTICATE, dpop));
        }
        if let Some((name, value)) = &self.fresh {
            response.insert_header((name.clone(), value.as_str()));
            response.insert_header(EXPOSED);
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response.json(ErrorResponse::new(self.error, &self.description))
    }
}

impl From<CallerError> for OAuthError {
    /// Status 400, as RFC 6749 section 5.2 has it for clients that do not use `Authorization`.
    fn from(error: CallerError) -> Self {
        let Some(code) = error.code() else {
            return match error {
                CallerError::Fault(fault) => Problem::from(fault).into(),
                _ => Problem::new(Kind::Internal).into(),
            };
        };
        let fresh = match &error {
            CallerError::Dpop(DpopError::Nonce(nonce)) => Some((DPOP_NONCE, nonce.clone())),
            CallerError::Attestation(AttestationError::Challenge(challenge)) => {
                Some((ATTESTATION_CHALLENGE, challenge.clone()))
            }
            _ => None,
        };
        Self { fresh, ..Self::bad_request(code, &error.to_string()) }
    }
}

impl From<AccessError> for OAuthError {
    fn from(error: AccessError) -> Self {
        let description = error.to_string();
        match error {
            AccessError::Fault(fault) => Problem::from(fault).into(),
            AccessError::InvalidToken => Self::invalid_token(),
            AccessError::Dpop(error) => {
                let refused = Self::of_status(StatusCode::UNAUTHORIZED, error.code(), &description);
                let fresh = match error {
                    DpopError::Nonce(nonce) => Some((DPOP_NONCE, nonce)),
                    _ => None,
                };
                Self { challenge: Challenge::Dpop, fresh, ..refused }
            }
        }
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

impl From<TooOften> for OAuthError {
    /// There is no word of OAuth's for it; a client that does not know the status reads that it is for now.
    fn from(often: TooOften) -> Self {
        let description = "too many requests; try again after the seconds that Retry-After names";
        let error = Self::of_status(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", description);
        Self { retry_after: Some(often.seconds), ..error }
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
            StatusCode::TOO_MANY_REQUESTS => TooOften { seconds: problem.retry_after().unwrap_or(60) }.into(),
            StatusCode::SERVICE_UNAVAILABLE => {
                let description = if problem.kind() == Kind::Guarded {
                    "the store is guarded; the operator has to run yufu repair"
                } else {
                    "the service cannot do this now, try again later"
                };
                let retry_after = Some(problem.kind().retry_after().unwrap_or(60));
                let unavailable = Self::of_status(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description);
                Self { retry_after, ..unavailable }
            }
            _ => Self::of_status(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "something went wrong here"),
        }
    }
}
