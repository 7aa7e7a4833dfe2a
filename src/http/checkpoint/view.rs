//! A presentation as JSON for its checkpoint.

use actix_web::web;
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::{State, qr},
    model::{ids::TokenId, statement::Statement},
    verification::presentation::{Flow, Outcome, Phase, View},
};

/// A presentation.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct PresentationView {
    id: String,
    /// `waiting` for a wallet, `fetched` by one, `answered`, or `expired`.
    #[schema(value_type = String)]
    state: Phase,
    /// Grows with each change; `?wait=..&after=` with it waits for the next one.
    revision: u64,
    #[schema(value_type = String)]
    flow: Flow,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_case: Option<String>,
    /// Whether a boarding pass is at hand.
    has_boarding_pass: bool,
    /// When it ends: the request while nobody answered, the result afterwards.
    expires_at: String,
    #[serde(flatten)]
    invitation: Option<InvitationView>,
    /// For the flow `dc_api`: the argument of `navigator.credentials.get({digital: ..})`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dc_api: Option<Value>,
    /// The statement, once there is an answer; in the same-device flow only for who brings the response code.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<Box<Statement>>,
    /// The statement as a JWS, where it was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_statement: Option<String>,
}

/// What a wallet is invited with, while none has come.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct InvitationView {
    /// The link for a wallet on the same device; the text of the QR code.
    authorization_request: String,
    /// The same under the scheme of HAIP, `haip-vp://`.
    haip_request: String,
    /// Where the wallet fetches the request, once; none where the link itself is the request (`redirect_uri:`).
    #[serde(skip_serializing_if = "Option::is_none")]
    request_uri: Option<String>,
    /// The link as a QR code, in SVG.
    qr_svg: String,
    /// When the invitation is replaced by another.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotates_at: Option<String>,
}

/// Shows presentations to one checkpoint, and notes the decisions that it was shown, so that it can admit by hand.
pub(super) struct Shower {
    pub(super) state: web::Data<State>,
    pub(super) token: TokenId,
}

impl Shower {
    /// What is shown of `view`.
    pub(super) fn show(&self, view: View, revision: u64) -> PresentationView {
        let invitation = view.invitation.map(|invitation| InvitationView {
            qr_svg: qr::svg(&invitation.authorization_request),
            authorization_request: invitation.authorization_request,
            haip_request: invitation.haip_request,
            request_uri: invitation.request_uri,
            rotates_at: invitation.rotates_at.map(|at| at.to_string()),
        });
        let id = view.id.to_string();
        let (statement, signed_statement) = match view.outcome {
            Some(Outcome::Decided { statement, signed }) => {
                self.state.admissions.note(self.token, &id, view.use_case.as_deref(), &statement);
                (Some(statement), signed)
            }
            Some(Outcome::Withheld) | None => (None, None),
        };
        PresentationView {
            id,
            state: view.phase,
            revision,
            flow: view.flow,
            use_case: view.use_case,
            has_boarding_pass: view.has_boarding_pass,
            expires_at: view.expires_at.to_string(),
            invitation,
            dc_api: view.digital,
            statement,
            signed_statement,
        }
    }

    /// The same as JSON on one line.
    pub(super) fn document(&self, view: View, revision: u64) -> String {
        // Texts, numbers and JSON values always serialise, and JSON writes a line break in a text as `\n`.
        serde_json::to_string(&self.show(view, revision)).unwrap_or_default()
    }
}
