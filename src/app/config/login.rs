//! The province's login, where citizens can sign in with what they have already.

use std::path::PathBuf;

use crate::{
    app::config::{StartRefusal, quoted},
    outbound::LoginIssuer,
};

/// The province's login by OpenID Connect.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "The province's login")]
pub struct LoginOptions {
    /// The issuer identifier of the OpenID provider at which citizens can sign in
    ///
    /// Its metadata are fetched when the first citizen comes. Come-back addresses to register there: the public URL with
    /// /sign-in/province/callback.
    #[arg(long, env = "YUFU_LOGIN_ISSUER", value_name = "URL")]
    pub login_issuer: Option<LoginIssuer>,

    /// The name of this service at the provider
    #[arg(long, env = "YUFU_LOGIN_CLIENT_ID", value_name = "ID")]
    pub login_client_id: Option<String>,

    /// The file with the secret of this service at the provider; without it the client is a public one
    #[arg(long, env = "YUFU_LOGIN_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub login_client_secret_file: Option<PathBuf>,

    /// The claim, in the ID token or in userinfo, that holds the number of a person's identity card
    #[arg(long, env = "YUFU_LOGIN_ID_NUMBER_CLAIM", value_name = "CLAIM", default_value = "id_number")]
    pub login_id_number_claim: String,

    /// Scopes that are asked for besides openid, with commas between them
    #[arg(long, env = "YUFU_LOGIN_SCOPES", value_name = "SCOPE", value_delimiter = ',')]
    pub login_scopes: Vec<String>,
}

impl Default for LoginOptions {
    fn default() -> Self {
        Self {
            login_issuer: None,
            login_client_id: None,
            login_client_secret_file: None,
            login_id_number_claim: "id_number".to_owned(),
            login_scopes: Vec::new(),
        }
    }
}

impl LoginOptions {
    /// Refuses half of a login: citizens would be offered a way in that leads nowhere, or none where one was meant.
    pub(super) fn check(&self) -> Result<(), StartRefusal> {
        let is_named = self.login_client_id.as_ref().is_some_and(|id| !id.is_empty());
        match (&self.login_issuer, is_named) {
            (Some(_), false) => Err(StartRefusal::LoginIncomplete("--login-client-id")),
            (None, true) => Err(StartRefusal::LoginIncomplete("--login-issuer")),
            (None, false) if self.login_client_secret_file.is_some() => Err(StartRefusal::LoginIncomplete("--login-issuer")),
            _ => Ok(()),
        }
    }

    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        if let Some(issuer) = &self.login_issuer {
            lines.push(("login-issuer", quoted(issuer)));
        }
        if let Some(id) = &self.login_client_id {
            lines.push(("login-client-id", quoted(id)));
        }
        if let Some(file) = &self.login_client_secret_file {
            lines.push(("login-client-secret-file", quoted(file.display())));
        }
        lines.push(("login-id-number-claim", quoted(&self.login_id_number_claim)));
        if !self.login_scopes.is_empty() {
            lines.push(("login-scopes", quoted(self.login_scopes.join(","))));
        }
    }
}
