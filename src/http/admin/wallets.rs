//! The register of wallet products.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, delete as delete_route, post as post_route, put as put_route, route as get_route},
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
    issuance::wallets::WalletOrder,
    model::{client::WalletClient, ids::WalletId},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/wallets", [get(get_route().to(all)), on(Method::POST, post_route().to(register))]));
    app.service(resource(
        "/wallets/{id}",
        [on(Method::PUT, put_route().to(change)), on(Method::DELETE, delete_route().to(switch_off))],
    ));
}

/// A wallet to be registered.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewWallet {
    /// Its `client_id`, which its attestations name as `sub`.
    client_id: String,
    /// What citizens read on the page that asks them.
    name: String,
    /// Where an authorisation may be sent back to: https, an app's own scheme, or http on the machine itself; compared
    /// character by character, but for the port of `http://127.0.0.1/...` registered without one.
    redirect_uris: Vec<String>,
}

/// A registered wallet.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct WalletView {
    id: String,
    client_id: String,
    name: String,
    redirect_uris: Vec<String>,
    created_at: String,
    switched_off_at: Option<String>,
}

/// A page of wallets.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct WalletsView {
    wallets: Vec<WalletView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<NewWallet> for WalletOrder {
    fn from(new: NewWallet) -> Self {
        let NewWallet { client_id, name, redirect_uris } = new;
        Self { client_id, name, redirect_uris }
    }
}

impl From<WalletClient> for WalletView {
    fn from(wallet: WalletClient) -> Self {
        Self {
            id: wallet.id.to_string(),
            client_id: wallet.client_id,
            name: wallet.name,
            redirect_uris: wallet.redirect_uris,
            created_at: wallet.created_at.to_string(),
            switched_off_at: wallet.switched_off_at.map(|at| at.to_string()),
        }
    }
}

/// Registers a wallet
///
/// One that was switched off is registered anew.
#[utoipa::path(
    post, path = "/admin/api/v1/wallets", tag = "administration", security(("bearer" = [])),
    request_body = NewWallet,
    responses(
        (status = 201, description = "Registered", body = WalletView),
        (status = 400, description = "Not a client_id, a name or an address to come back to", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "A wallet of this client_id is registered", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn register(
    permit: Permit<may::ManageWallets>,
    state: web::Data<State>,
    JsonBody(new): JsonBody<NewWallet>,
) -> Result<HttpResponse, Problem> {
    let order = WalletOrder::from(new);
    let wallet = call(&state, move |state| state.wallets.register(&permit.authority(), &order)).await??;
    Ok(HttpResponse::Created().json(WalletView::from(wallet)))
}

/// Lists wallets
#[utoipa::path(
    get, path = "/admin/api/v1/wallets", tag = "administration", security(("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "A page of wallets, those switched off among them", body = WalletsView))
)]
pub(in crate::http) async fn all(
    permit: Permit<may::ManageWallets>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let after = cursor(params.take("cursor"))?;
    params.finish()?;
    let listed = call(&state, move |state| state.wallets.list(&permit.authority(), after.as_deref()));
    let (wallets, next) = listed.await??;
    let wallets = wallets.into_iter().map(WalletView::from).collect();
    Ok(HttpResponse::Ok().json(WalletsView { wallets, next: cursor_text(next) }))
}

/// Gives a wallet another name and other addresses
///
/// Its `client_id` stays.
#[utoipa::path(
    put, path = "/admin/api/v1/wallets/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The wallet")),
    request_body = NewWallet,
    responses(
        (status = 200, description = "As it is now", body = WalletView),
        (status = 400, description = "Not its client_id, a name or an address to come back to", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such wallet", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is switched off", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn change(
    permit: Permit<may::ManageWallets>,
    state: web::Data<State>,
    Id(id): Id<WalletId>,
    JsonBody(new): JsonBody<NewWallet>,
) -> Result<HttpResponse, Problem> {
    let order = WalletOrder::from(new);
    let wallet = call(&state, move |state| state.wallets.change(&permit.authority(), id, &order)).await??;
    Ok(HttpResponse::Ok().json(WalletView::from(wallet)))
}

/// Switches a wallet off, at once
///
/// It gets no more tokens; the cards it holds stay as they are.
#[utoipa::path(
    delete, path = "/admin/api/v1/wallets/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The wallet")),
    responses(
        (status = 204, description = "It is off"),
        (status = 404, description = "No such wallet", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn switch_off(
    permit: Permit<may::ManageWallets>,
    state: web::Data<State>,
    Id(id): Id<WalletId>,
) -> Result<HttpResponse, Problem> {
    call(&state, move |state| state.wallets.switch_off(&permit.authority(), id)).await??;
    Ok(HttpResponse::NoContent().finish())
}
