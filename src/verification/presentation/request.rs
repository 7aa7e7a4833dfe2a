//! What a wallet is asked, and how it is invited.

use serde_json::{Value, json};

use super::{
    ids::{RequestId, ResponseId},
    order::Flow,
    plan::Plan,
    session::Asked,
    view::Invitation,
};
use crate::{
    base::{base64url, random::Random, time::Timestamp},
    crypto::jwe::DecryptionKey,
    format::openid::{
        form,
        presentation::{
            ClientMetadata, Destination, FetchForm, Protocol, RequestClaims, VerifierInfo, digital_credential_request,
        },
    },
    model::{credential_type::Bilingual, use_case::UseCase},
    verification::request_object::{RequestSignError, RequestSigner},
};

/// Random bytes of `nonce` and `state`; 128 bits are asked for (OpenID4VP 1.0 section 5.2 and 5.3).
const SECRET_BYTES: usize = 32;

/// The format of the entry of `verifier_info` that says why the citizen is asked; a name that nobody else gives.
const USE_CASE_FORMAT: &str = "urn:yufu:use-case";

/// Draws what an answer has to fit, and writes the request that asks for it.
pub(super) fn ask(
    plan: &Plan,
    form: FetchForm,
    signer: &RequestSigner,
    public_url: &str,
    at: Timestamp,
    random: &dyn Random,
) -> (Asked, RequestClaims) {
    let secret = || base64url::encode(random.array::<SECRET_BYTES>());
    let response = ResponseId::random(random);
    let response_uri = format!("{public_url}/responses/{response}");
    let client_id = signer.client_id(&response_uri);
    let in_page = plan.flow == Flow::DcApi;
    let asked = Asked {
        response,
        nonce: secret(),
        state: (!in_page).then(secret),
        audience: if in_page { format!("origin:{}", plan.origin) } else { client_id.clone() },
        key: (!plan.in_the_clear).then(|| DecryptionKey::generate(random)),
    };
    let encrypted = asked.key.is_some();
    let destination = if in_page {
        Destination::DcApi { encrypted, expected_origins: vec![plan.origin.clone()] }
    } else {
        Destination::DirectPost { response_uri, encrypted }
    };
    // To a browser an unsigned request does not name who asks: the browser does (appendix A.2).
    let is_named = signer.is_signed() || !in_page;
    let encryption_key = asked.key.as_ref().map(|key| key.public_jwk(&response.to_string()));
    let claims = RequestClaims {
        client_id: is_named.then_some(client_id),
        nonce: asked.nonce.clone(),
        state: asked.state.clone(),
        destination,
        dcql_query: plan.query.to_json(),
        client_metadata: ClientMetadata { encryption_key },
        wallet_nonce: form.wallet_nonce,
        transaction_data: plan.transactions.iter().map(|transaction| transaction.entry.clone()).collect(),
        verifier_info: plan.use_case.as_deref().map(reason_given).into_iter().collect(),
        issued_at: signer.is_signed().then_some(at),
    };
    (asked, claims)
}

/// Why the citizen is asked, in both languages, for the wallet to show: signed with the request, and attested by nobody
/// else (OpenID4VP 1.0 section 5.1). A wallet that does not know the format leaves it aside.
fn reason_given(case: &UseCase) -> VerifierInfo {
    let words = |text: &Bilingual| json!({"zh-CN": text.zh_cn, "en": text.en});
    let data = json!({"use_case": case.name, "title": words(&case.title), "purpose": words(&case.purpose)});
    VerifierInfo { format: USE_CASE_FORMAT.to_owned(), data, credential_ids: Vec::new() }
}

/// The argument of `navigator.credentials.get({digital: ..})`.
pub(super) fn for_browser(claims: &RequestClaims, signer: &RequestSigner, at: Timestamp) -> Result<Value, RequestSignError> {
    let request = if signer.is_signed() {
        digital_credential_request(Protocol::Signed, signer.sign(claims, at)?.into())
    } else {
        digital_credential_request(Protocol::Unsigned, Value::Object(claims.to_map()))
    };
    Ok(json!({"requests": [request]}))
}

/// An invitation that holds the whole request: unsigned ones are not fetched.
pub(super) fn invite_whole(claims: &RequestClaims) -> Invitation {
    let parameters = claims.to_query();
    Invitation {
        authorization_request: format!("openid4vp://?{parameters}"),
        haip_request: format!("haip-vp://?{parameters}"),
        request_uri: None,
        rotates_at: None,
    }
}

/// How a wallet is invited to fetch a request. `post` first: a wallet that knows it sends a nonce of its own, and one that
/// does not ignores the parameter and gets it (OpenID4VP 1.0 section 5.10).
pub(super) fn invite(request: RequestId, client_id: &str, public_url: &str, rotates_at: Option<Timestamp>) -> Invitation {
    let request_uri = format!("{public_url}/requests/{request}");
    let parameters =
        format!("client_id={}&request_uri={}&request_uri_method=post", form::encode(client_id), form::encode(&request_uri));
    Invitation {
        authorization_request: format!("openid4vp://?{parameters}"),
        haip_request: format!("haip-vp://?{parameters}"),
        request_uri: Some(request_uri),
        rotates_at,
    }
}

/// Where the wallet sends the person back to: the page that asked, with the response code (OpenID4VP 1.0 section 8.2).
pub(super) fn send_back(redirect_uri: &str, code: &str) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}response_code={code}")
}
