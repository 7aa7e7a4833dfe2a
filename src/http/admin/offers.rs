//! Offers of cards.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route},
};
use serde::{Deserialize, Serialize};

use crate::{
    format::openid::offer::{CredentialOffer, link_by_reference},
    http::{
        State,
        auth::{Permit, may},
        call::call,
        extract::JsonBody,
        problem::{Problem, ProblemDocument, Words},
        qr,
        route::{on, resource},
    },
    issuance::offer::{OfferOrder, Offered, OfferedGrants},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/offers", [on(Method::POST, post_route().to(create))]));
}

/// What is to be offered, and to whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewOffer {
    /// To whom.
    person_id: String,
    /// The names of the types, each once.
    credential_types: Vec<String>,
    /// Whether the wallet's user has to type a code that comes another way.
    #[serde(default)]
    tx_code: bool,
    /// By which grants: `pre-authorized_code` (when this is left out), `authorization_code` (the person signs in), or both.
    #[serde(default)]
    grants: Option<Vec<Grant>>,
}

/// A way to an access token.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, utoipa::ToSchema)]
pub(in crate::http) enum Grant {
    #[serde(rename = "pre-authorized_code")]
    PreAuthorizedCode,
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
}

/// What the named grants come to; none when the list is empty.
fn offered(grants: Option<Vec<Grant>>) -> Option<OfferedGrants> {
    let Some(grants) = grants else { return Some(OfferedGrants::PreAuthorized) };
    let has = |wanted: Grant| grants.contains(&wanted);
    match (has(Grant::PreAuthorizedCode), has(Grant::AuthorizationCode)) {
        (true, true) => Some(OfferedGrants::Both),
        (true, false) => Some(OfferedGrants::PreAuthorized),
        (false, true) => Some(OfferedGrants::AuthorizationCode),
        (false, false) => None,
    }
}

/// An offer. The codes in it are shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct OfferMade {
    offer_id: String,
    /// The offer itself.
    #[schema(value_type = Object)]
    credential_offer: CredentialOffer,
    /// Where a wallet fetches it.
    credential_offer_uri: String,
    /// The link that opens a wallet, with the offer by reference.
    link: String,
    /// The link with the whole offer in it.
    link_by_value: String,
    /// The link by reference as a QR code, in SVG.
    qr_svg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_code: Option<String>,
    expires_at: String,
}

/// Offers cards to a person
#[utoipa::path(
    post, path = "/admin/api/v1/offers", tag = "administration", security(("bearer" = [])),
    request_body = NewOffer,
    responses(
        (status = 201, description = "Offered", body = OfferMade),
        (status = 400, description = "No such person or type, or the person is not eligible", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn create(
    permit: Permit<may::OfferCards>,
    state: web::Data<State>,
    JsonBody(new): JsonBody<NewOffer>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::field("/person_id", "unknown_person", Words::new("没有此人", "there is no such person"));
    let person = new.person_id.parse().map_err(|_| unknown())?;
    let empty = || {
        let words = Words::new("至少指定一种授权方式，或省略该字段", "name at least one grant, or leave the member out");
        Problem::field("/grants", "empty", words)
    };
    let grants = offered(new.grants).ok_or_else(empty)?;
    let order = OfferOrder { person, credential_types: new.credential_types, tx_code: new.tx_code, grants };
    let offered = call(&state, move |state| state.offers.create(&permit.authority(), &order)).await??;
    Ok(HttpResponse::Created().json(view(offered)))
}

fn view(offered: Offered) -> OfferMade {
    let link = link_by_reference(&offered.uri);
    OfferMade {
        offer_id: offered.id.to_string(),
        link_by_value: offered.offer.link_by_value(),
        credential_offer: offered.offer,
        qr_svg: qr::svg(&link),
        link,
        credential_offer_uri: offered.uri,
        tx_code: offered.tx_code.map(|code| code.expose().clone()),
        expires_at: offered.expires_at.to_string(),
    }
}
