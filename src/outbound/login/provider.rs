//! What a provider says of itself, and the client of `openidconnect` that speaks with it through our own HTTP client.

use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, AuthType, Client, ClientId, ClientSecret, DiscoveryError,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    ProviderMetadata, RedirectUrl, RequestTokenError, StandardErrorResponse, StandardTokenResponse, SyncHttpClient,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
    http::{self, Method, header::CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LoginClient, LoginError};
use crate::{
    base::origin::is_safe_address,
    outbound::{Fetch, FetchError, Request},
};

/// What a provider may say of itself beyond the crate's own members.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct NamesItself {
    /// Whether every answer in an address carries `iss` (RFC 9207 section 3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for NamesItself {}

/// Every claim that the crate has no member for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Others {
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl AdditionalClaims for Others {}

type Metadata = ProviderMetadata<
    NamesItself,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type TokenFields =
    IdTokenFields<Others, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// The answer of a token endpoint.
pub(super) type Tokens = StandardTokenResponse<TokenFields, CoreTokenType>;

/// An ID token nobody has checked.
pub(super) type IdToken =
    openidconnect::IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

type TokenError = StandardErrorResponse<CoreErrorResponseType>;

type OpenIdClient = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenError,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider that was heard.
pub(super) struct Provider {
    pub(super) client: OpenIdClient,
    pub(super) client_id: String,
    /// Whether its answers always carry `iss`.
    pub(super) names_itself: bool,
}

impl Provider {
    /// Asks for metadata and keys.
    pub(super) fn discover(of: &LoginClient, through: &Through<'_>) -> Result<Self, LoginError> {
        let unusable = LoginError::Unusable;
        let issuer = IssuerUrl::new(of.issuer.to_string()).map_err(|_| unusable("its issuer is no URL"))?;
        let metadata = Metadata::discover(&issuer, through).map_err(|error| unusable(why_not_discovered(&error)))?;
        // The browser is sent there, so the crate does not look at it.
        if !through.allows(metadata.authorization_endpoint().as_str()) {
            return Err(unusable("its authorization endpoint is not https"));
        }
        let methods = metadata.token_endpoint_auth_methods_supported();
        // Basic is what holds when nothing is said (OpenID Connect Discovery 1.0 section 3).
        let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let names_itself = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        let secret = of.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().clone()));
        let redirect = RedirectUrl::new(of.redirect_uri.clone()).map_err(|_| unusable("the redirect URI is no URL"))?;
        let client = OpenIdClient::from_provider_metadata(metadata, ClientId::new(of.client_id.clone()), secret)
            .set_redirect_uri(redirect)
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody });
        Ok(Self { client, client_id: of.client_id.clone(), names_itself })
    }
}

/// Our HTTP client as the crate takes one.
pub(super) struct Through<'a> {
    pub(super) fetch: &'a dyn Fetch,
    /// Whether nothing is asked in clear, which holds where the provider itself is https.
    pub(super) only_https: bool,
}

impl Through<'_> {
    fn allows(&self, url: &str) -> bool {
        is_safe_address(url) && (!self.only_https || url.starts_with("https://"))
    }
}

impl SyncHttpClient for Through<'_> {
    type Error = FetchError;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let method = match parts.method {
            Method::GET => "GET",
            Method::POST => "POST",
            _ => return Err(FetchError::BadRequest),
        };
        if !self.allows(&url) {
            return Err(FetchError::BadRequest);
        }
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            value.to_str().map(|value| (name.to_string(), value.to_owned())).map_err(|_| FetchError::BadRequest)
        };
        let headers = parts.headers.iter().map(header).collect::<Result<_, _>>()?;
        let answer = self.fetch.send(Request { method, url, headers, body })?;
        let response = http::Response::builder().status(answer.status).header(CONTENT_TYPE, answer.content_type);
        response.body(answer.body).map_err(|_| FetchError::NoAnswer("not an answer of HTTP".to_owned()))
    }
}

fn why_not_discovered(error: &DiscoveryError<FetchError>) -> &'static str {
    match error {
        DiscoveryError::Request(_) => "it does not answer",
        DiscoveryError::Response(..) => "it does not publish its metadata or keys",
        DiscoveryError::Parse(_) | DiscoveryError::UrlParse(_) => "its metadata or keys cannot be read",
        DiscoveryError::Validation(_) => "its metadata name another issuer",
        _ => "its metadata cannot be used",
    }
}

/// Why there is no token: our request was not good, or the provider is not well.
pub(super) fn why_no_token(error: RequestTokenError<FetchError, TokenError>) -> LoginError {
    match error {
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                LoginError::Unusable("it does not know this client, or not by this secret")
            }
            _ => LoginError::CodeRefused,
        },
        RequestTokenError::Request(_) => LoginError::Unusable("its token endpoint does not answer"),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            LoginError::Unusable("the answer of its token endpoint cannot be read")
        }
    }
}
