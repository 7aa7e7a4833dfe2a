//! The description of every route, generated from the handlers, and the pages to browse it.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Path, ServiceConfig, route},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::Config;

use crate::http::{
    admin, checkpoint, document, evidence,
    headers::{DOCS_POLICY, FOR_EVERY_SITE},
    problem::{Kind, Problem, ProblemDocument},
    public,
    route::{get, resource},
    wallet,
};

/// Everything the service speaks.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "yufu 鱼符",
        description = "Issues signed electronic ID credentials to wallets, verifies them at checkpoints, suspends and revokes them."
    ),
    paths(
        wallet::metadata::issuer,
        wallet::metadata::authorization_server,
        wallet::issuance::offer,
        wallet::issuance::push,
        wallet::issuance::token,
        wallet::issuance::challenge,
        wallet::issuance::nonce,
        wallet::credential::credential,
        wallet::credential::deferred_credential,
        wallet::credential::notification,
        wallet::presentation::request,
        wallet::presentation::request_for_wallet,
        wallet::presentation::respond,
        public::keys::jwks,
        public::keys::issuer,
        public::lists::all,
        public::lists::one,
        public::trust::trust_list,
        public::types::list,
        public::types::metadata,
        public::log::checkpoint,
        public::health::live,
        public::health::ready,
        admin::people::register,
        admin::people::find,
        admin::people::one,
        admin::people::change,
        admin::offers::create,
        admin::sign_in_codes::activation_code,
        admin::sign_in_codes::activation_codes,
        admin::sign_in_codes::recovery_code,
        admin::approvals::find,
        admin::approvals::approve,
        admin::approvals::reject,
        admin::cards::find,
        admin::cards::one,
        admin::cards::suspend,
        admin::cards::reinstate,
        admin::cards::revoke,
        admin::events::read,
        admin::tokens::create,
        admin::tokens::all,
        admin::tokens::one,
        admin::tokens::switch_off,
        admin::pairings::create,
        admin::wallets::register,
        admin::wallets::all,
        admin::wallets::change,
        admin::wallets::switch_off,
        checkpoint::verifications::verify,
        checkpoint::pair::redeem,
        checkpoint::presentations::begin,
        checkpoint::presentations::look,
        checkpoint::presentations::end,
        checkpoint::presentations::add_boarding_pass,
        checkpoint::presentations::respond,
        checkpoint::admission::admit,
        checkpoint::shown::code,
        checkpoint::shown::decide,
        evidence::own,
        evidence::any,
        checkpoint::use_cases::list,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Finish),
    tags(
        (name = "wallet", description = "For wallets: OpenID4VCI 1.0 and OpenID4VP 1.0"),
        (name = "public", description = "For everyone"),
        (name = "administration", description = "For operators, with a bearer token"),
        (name = "checkpoint", description = "For checkpoints, with a bearer token of role checkpoint"),
        (name = "operation", description = "For whoever runs the service"),
    )
)]
struct Description;

/// What the macro cannot say.
struct Finish;

impl Modify for Finish {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        // The macro writes an empty licence when the manifest names none.
        api.info.license = None;
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", bearer);
    }
}

/// The description as JSON, as `/openapi.json` serves it and `docs/openapi.json` keeps it.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut description = Description::openapi();
        // The generator takes it from Cargo.toml, where a service that is not handed on as a library has none.
        description.info.license = None;
        description.to_pretty_json().unwrap_or_default()
    });
    &TEXT
}

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/openapi.json", [get(route().to(description))]));
    app.service(resource("/docs", [get(route().to(to_the_folder))]));
    app.service(resource("/docs/{file:.*}", [get(route().to(file))]));
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").insert_header(FOR_EVERY_SITE).body(text())
}

/// The pages name their parts relative to a folder.
async fn to_the_folder() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// A file of the documentation browser, all of which is built in.
async fn file(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        let config = Config::from("/openapi.json").try_it_out_enabled(false).validator_url("none");
        Arc::new(config)
    });
    let name = path.into_inner();
    let file = utoipa_swagger_ui::serve(&name, Arc::clone(&CONFIG)).map_err(|_| Kind::Internal)?;
    let file = file.ok_or(Problem::new(Kind::NotFound))?;
    let mut response = document::stored(&request, &file.content_type, file.bytes.into_owned().into(), 3600);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(DOCS_POLICY));
    headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_every_kind_of_answer_and_can_be_read() {
        let value: serde_json::Value = serde_json::from_str(text()).expect("it is JSON");
        assert_eq!(value["openapi"], "3.1.0");
        assert!(value["components"]["schemas"]["Problem"].is_object());
        assert_eq!(value["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }
}
