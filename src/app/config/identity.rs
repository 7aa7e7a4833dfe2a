//! Who the service is: its public URL, its way to sign, and what development may allow itself.

use crate::{
    app::config::{PublicUrl, quoted},
    crypto::Algorithm,
    model::{profile::Profile, redirect::Admitted},
    verification::request_object::ClientIdPrefix,
};

/// Who the service is.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Identity")]
pub struct IdentityOptions {
    /// The address under which wallets and checkpoints reach the service; stands in every credential.
    ///
    /// Without a slash at the end. When it is left out, it is http:// and the address of --listen, which serves for
    /// trying out on one machine. The data folder remembers it, and a start with another one is refused.
    #[arg(long, env = "YUFU_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// The former public URL, once, when the service has moved to a new one
    #[arg(long, env = "YUFU_ALSO_PUBLIC_URL", value_name = "URL")]
    pub also_public_url: Option<PublicUrl>,

    /// The algorithm of new signing keys: ES256, which every wallet knows, or Ed25519
    #[arg(long, env = "YUFU_SIGNING", value_name = "ALGORITHM", default_value = "ES256", value_parser = algorithm)]
    pub signing: Algorithm,

    /// How wallets are told who asks: x509_hash, x509_san_dns, verifier_attestation or redirect_uri
    ///
    /// By the hash of the certificate of the key for requests, by the DNS name in it, by the attestation in
    /// verifier-attestation.jwt in the folder of keys, or, unsigned and on this machine only, by the address for the answer.
    #[arg(long, env = "YUFU_CLIENT_ID_PREFIX", value_name = "PREFIX", default_value = "x509_hash")]
    pub client_id_prefix: ClientIdPrefix,

    /// What wallets have to prove: open or haip (DPoP, wallet attestation and key attestation required)
    ///
    /// When it is left out: open where the public URL is an address of this machine itself, otherwise haip.
    #[arg(long, env = "YUFU_PROFILE", value_name = "PROFILE")]
    pub profile: Option<Profile>,

    /// Where wallets that nobody registered may be sent back to: for development, under the profile open
    ///
    /// Addresses as they are, or http://127.0.0.1:* for every port of this machine. May be given several times, or with
    /// commas. Under haip wallets are registered, and a start with this is refused.
    #[arg(long, env = "YUFU_ADMIT_REDIRECT_URIS", value_name = "URI", value_delimiter = ',')]
    pub admit_redirect_uris: Vec<Admitted>,
    /// Take requests for cards, and give cards, only encrypted end to end (OpenID4VCI section 10)
    ///
    /// When it is left out, wallets may do so. With it, a proxy that ends TLS sees neither proofs nor cards.
    #[arg(long, env = "YUFU_REQUIRE_ENCRYPTION", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    pub require_encryption: bool,

    /// Be a test issuer for makers of wallets: made-up people, codes that stay good, offers that are always there
    ///
    /// Only with development keys, which no verifier believes. The page is /wallet-vendors.
    #[arg(long, env = "YUFU_TEST_ISSUER", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    pub test_issuer: bool,

    /// Serve beyond this machine with the development keys that the first start makes
    #[arg(long, env = "YUFU_ALLOW_DEVELOPMENT_KEYS", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    pub allow_development_keys: bool,

    /// Accept a public URL of http:// that is not an address of this machine itself
    #[arg(long, env = "YUFU_ALLOW_PLAIN_HTTP", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    pub allow_plain_http: bool,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            also_public_url: None,
            signing: Algorithm::Es256,
            client_id_prefix: ClientIdPrefix::default(),
            profile: None,
            admit_redirect_uris: Vec::new(),
            require_encryption: false,
            test_issuer: false,
            allow_development_keys: false,
            allow_plain_http: false,
        }
    }
}

impl IdentityOptions {
    /// The profile in force for this public URL.
    pub fn profile_for(&self, public_url: &PublicUrl) -> Profile {
        self.profile.unwrap_or(if public_url.is_loopback() { Profile::Open } else { Profile::Haip })
    }

    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        if let Some(url) = &self.public_url {
            lines.push(("public-url", quoted(url)));
        }
        if let Some(url) = &self.also_public_url {
            lines.push(("also-public-url", quoted(url)));
        }
        lines.push(("signing", quoted(algorithm_name(self.signing))));
        lines.push(("client-id-prefix", quoted(self.client_id_prefix)));
        if let Some(profile) = self.profile {
            lines.push(("profile", quoted(profile)));
        }
        if !self.admit_redirect_uris.is_empty() {
            let admitted: Vec<String> = self.admit_redirect_uris.iter().map(Admitted::to_string).collect();
            lines.push(("admit-redirect-uris", quoted(admitted.join(","))));
        }
        lines.push(("require-encryption", self.require_encryption.to_string()));
        lines.push(("test-issuer", self.test_issuer.to_string()));
        lines.push(("allow-development-keys", self.allow_development_keys.to_string()));
        lines.push(("allow-plain-http", self.allow_plain_http.to_string()));
    }
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm_name(*algorithm) == text)
        .ok_or_else(|| "ES256 or Ed25519 is expected".to_owned())
}

const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::Ed25519 => "Ed25519",
    }
}
