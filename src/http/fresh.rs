//! Fresh values that ride on answers to wallets: the next nonce for a DPoP proof (RFC 9449 section 8.2), and the next
//! challenge for the proof of a wallet attestation.

use actix_web::{HttpResponseBuilder, http::header::HeaderName};

use crate::{
    http::{State, headers::EXPOSED},
    issuance::{caller::Shown, freshness::Server},
};

/// `DPoP-Nonce`.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// `OAuth-Client-Attestation-Challenge`.
pub const ATTESTATION_CHALLENGE: HeaderName = HeaderName::from_static("oauth-client-attestation-challenge");

/// Puts in the fresh values for whoever sent a request with proofs: what the next one to the same half of the service will
/// need.
pub fn refresh(answer: &mut HttpResponseBuilder, state: &State, shown: &Shown, server: Server) {
    let dpop = !shown.dpop.is_empty();
    let attestation = !shown.attestation.is_empty() && server == Server::Authorization;
    if dpop {
        answer.insert_header((DPOP_NONCE, state.freshness.nonce(server)));
    }
    if attestation {
        answer.insert_header((ATTESTATION_CHALLENGE, state.freshness.challenge().attestation_challenge));
    }
    if dpop || attestation {
        answer.insert_header(EXPOSED);
    }
}
