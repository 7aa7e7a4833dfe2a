//! Whom this service trusts, and by which certificates it is known: for citizens, wallets and auditors to look up.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig, route},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    base::base64url,
    crypto::{
        sha256,
        x509::{Anchor, CertificateFacts},
    },
    http::{
        State, document,
        problem::Words,
        route::{get, resource},
    },
    keyring::TrustList,
};

/// Seconds for which caches may keep the list: an authority that was taken off is not shown as trusted much longer.
const SECONDS: u32 = 300;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/trust-list", [get(route().to(trust_list))]));
}

/// Whom this service trusts, and its own certificates.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct TrustDocument {
    /// The service's identifier: `iss` of its credentials.
    service: String,
    /// The certificates of this service, by what they are for.
    certificates: Vec<OwnCertificates>,
    /// Authorities that are trusted for every issuer under them.
    authorities: Vec<Authority>,
    /// Authorities that are trusted under conditions.
    lists: Vec<List>,
}

/// Certificates of this service for one purpose.
#[derive(Serialize, utoipa::ToSchema)]
struct OwnCertificates {
    /// `credentials`, `status_lists` or `requests`.
    purpose: &'static str,
    /// The signing certificate first, then intermediates; the root is not among them.
    chain: Vec<Certificate>,
}

/// A trusted authority.
#[derive(Serialize, utoipa::ToSchema)]
struct Authority {
    #[serde(flatten)]
    certificate: Certificate,
    /// Its key identifier in base64url, as `trusted_authorities` of type `aki` names it; missing when its certificate
    /// states none.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

/// One certificate.
#[derive(Serialize, utoipa::ToSchema)]
struct Certificate {
    /// The subject's name (RFC 4514).
    subject: String,
    /// SHA-256 of the certificate, in hexadecimal as `openssl x509 -fingerprint` shows it, without colons.
    sha256: String,
    /// The last second of its validity.
    not_after: String,
    /// The certificate: base64 of its DER, as in `x5c`.
    x5c: String,
}

/// A trust list.
#[derive(Serialize, utoipa::ToSchema)]
struct List {
    /// Its identifier, as `trusted_authorities` of type `etsi_tl` names it.
    url: String,
    /// What people call it.
    name: Words,
    /// What its authorities are trusted for: `credentials`, `status_lists`.
    purposes: Vec<&'static str>,
    /// The issuers they may vouch for; missing when these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuers: Option<Vec<String>>,
    /// The hosts on which these issuers may keep status lists; missing when each may on its own host.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_hosts: Option<Vec<String>>,
    /// Its authorities.
    authorities: Vec<Authority>,
}

/// Whom this service trusts
///
/// The authorities under which credentials of others are accepted here, the conditions of each trust list, and the
/// certificates of this service itself.
#[utoipa::path(
    get, path = "/trust-list", tag = "public",
    responses(
        (status = 200, description = "The trust list", body = TrustDocument),
        (status = 304, description = "The list is still the one that `If-None-Match` names"),
    )
)]
pub(in crate::http) async fn trust_list(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let own = |(purpose, chain): &(&'static str, Vec<Vec<u8>>)| OwnCertificates {
        purpose,
        chain: chain.iter().map(|der| certificate(der)).collect(),
    };
    let document = TrustDocument {
        service: state.public_url.clone(),
        certificates: state.certificates.iter().map(own).collect(),
        authorities: state.trust.unconditional_anchors().map(authority).collect(),
        lists: state.trust.lists().map(list).collect(),
    };
    document::json(&request, &document, SECONDS)
}

fn certificate(der: &[u8]) -> Certificate {
    // The keyring read each of them at the start.
    let facts = CertificateFacts::read(der).ok();
    Certificate {
        subject: facts.as_ref().map(|facts| facts.subject.clone()).unwrap_or_default(),
        sha256: sha256(der).iter().map(|byte| format!("{byte:02x}")).collect(),
        not_after: facts.map(|facts| facts.not_after.to_string()).unwrap_or_default(),
        x5c: STANDARD.encode(der),
    }
}

fn authority(anchor: &Anchor) -> Authority {
    Authority { certificate: certificate(anchor.der()), key_id: anchor.key_id().map(base64url::encode) }
}

fn list(list: &TrustList) -> List {
    let all = |texts: &std::collections::BTreeSet<String>| texts.iter().cloned().collect();
    List {
        url: list.url.clone(),
        name: Words::new(&list.name.zh_cn, &list.name.en),
        purposes: list.purposes.iter().map(|purpose| purpose.name()).collect(),
        issuers: list.issuers.as_ref().map(all),
        status_hosts: list.status_hosts.as_ref().map(all),
        authorities: list.anchors.iter().map(authority).collect(),
    }
}
