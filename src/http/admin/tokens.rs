//! Tokens of operators and checkpoints.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, delete as delete_route, post as post_route, route as get_route},
};
use serde::{Deserialize, Serialize};

use crate::{
    http::{
        State,
        admin::{cursor, cursor_text},
        auth::{Permit, may},
        call::call,
        extract::{Id, JsonBody, Params},
        problem::{Problem, ProblemDocument},
        route::{get, on, resource},
    },
    model::{checkpoint::CheckpointAccount, ids::TokenId, party::Role, record::Token},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/tokens", [get(get_route().to(all)), on(Method::POST, post_route().to(create))]));
    app.service(resource("/tokens/{id}", [get(get_route().to(one)), on(Method::DELETE, delete_route().to(switch_off))]));
}

/// A token to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewToken {
    /// What it is called.
    name: String,
    /// `administrator`, `registrar`, `revoker`, `auditor` or `checkpoint`.
    #[schema(value_type = String)]
    role: Role,
    /// For a checkpoint: the use cases it is limited to; any when left out.
    #[serde(default)]
    use_cases: Option<Vec<String>>,
    /// For a checkpoint: where wallets may send people back to: https, or http on the machine itself.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// For a checkpoint: origins of pages that may ask by the Digital Credentials API, besides this service's own.
    #[serde(default)]
    origins: Vec<String>,
}

/// A token that was made. Its secret is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct TokenMade {
    id: String,
    token: String,
    #[schema(value_type = String)]
    role: Role,
}

/// A token, without its secret.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct TokenView {
    id: String,
    name: String,
    #[schema(value_type = String)]
    role: Role,
    created_at: String,
    switched_off_at: Option<String>,
    /// The use cases a checkpoint is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_cases: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    origins: Vec<String>,
}

/// A page of tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct TokensView {
    tokens: Vec<TokenView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            role: token.role,
            created_at: token.created_at.to_string(),
            switched_off_at: token.switched_off_at.map(|at| at.to_string()),
            use_cases: token.account.use_cases,
            redirect_uris: token.account.redirect_uris,
            origins: token.account.origins,
        }
    }
}

/// Makes a token
#[utoipa::path(
    post, path = "/admin/api/v1/tokens", tag = "administration", security(("bearer" = [])),
    request_body = NewToken,
    responses(
        (status = 201, description = "Made; the secret is shown this once", body = TokenMade),
        (status = 400, description = "No such role, not a name, or not an account", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn create(
    permit: Permit<may::ManageTokens>,
    state: web::Data<State>,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<HttpResponse, Problem> {
    let NewToken { name, role, use_cases, redirect_uris, origins } = new;
    let account = CheckpointAccount { use_cases, redirect_uris, origins };
    let made = call(&state, move |state| state.operator_tokens.create(&permit.authority(), &name, role, account));
    let (token, secret) = made.await??;
    let made = TokenMade { id: token.id.to_string(), token: secret.expose().clone(), role: token.role };
    Ok(HttpResponse::Created().json(made))
}

/// Lists tokens
#[utoipa::path(
    get, path = "/admin/api/v1/tokens", tag = "administration", security(("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "A page of tokens, good ones and others", body = TokensView))
)]
pub(in crate::http) async fn all(
    permit: Permit<may::ManageTokens>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let after = cursor(params.take("cursor"))?;
    params.finish()?;
    let listed = call(&state, move |state| state.operator_tokens.list(&permit.authority(), after.as_deref()));
    let (tokens, next) = listed.await??;
    let tokens = tokens.into_iter().map(TokenView::from).collect();
    Ok(HttpResponse::Ok().json(TokensView { tokens, next: cursor_text(next) }))
}

/// One token
#[utoipa::path(
    get, path = "/admin/api/v1/tokens/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The token")),
    responses(
        (status = 200, description = "The token", body = TokenView),
        (status = 404, description = "No such token", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn one(
    permit: Permit<may::ManageTokens>,
    state: web::Data<State>,
    Id(id): Id<TokenId>,
) -> Result<HttpResponse, Problem> {
    let token = call(&state, move |state| state.operator_tokens.get(&permit.authority(), id)).await??;
    Ok(HttpResponse::Ok().json(TokenView::from(token)))
}

/// Switches a token off, at once and for good
#[utoipa::path(
    delete, path = "/admin/api/v1/tokens/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The token")),
    responses(
        (status = 204, description = "It is off"),
        (status = 404, description = "No such token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is the last administrator's", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn switch_off(
    permit: Permit<may::ManageTokens>,
    state: web::Data<State>,
    Id(id): Id<TokenId>,
) -> Result<HttpResponse, Problem> {
    call(&state, move |state| state.operator_tokens.switch_off(&permit.authority(), id)).await??;
    state.presentations.forget_all(id);
    Ok(HttpResponse::NoContent().finish())
}
