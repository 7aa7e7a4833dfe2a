//! What others are told of a type: SD-JWT VC type metadata, and the part of it in the issuer's metadata.

use serde_json::{Map, Value, json};

use crate::model::credential_type::{Bilingual, Claim, CredentialType, Disclosure, PathStep};

impl CredentialType {
    /// SD-JWT VC type metadata (draft-ietf-oauth-sd-jwt-vc section 5.2; checklist SVC-15), served at the `vct`.
    pub fn type_metadata(&self, public_url: &str) -> Value {
        let rendering = |(locale, _): (&str, &str)| {
            json!({"simple": {
                "background_color": self.looks.background_color,
                "text_color": self.looks.text_color,
                "logo": {"uri": self.looks.logo, "alt_text": in_locale(&self.looks.logo_alt_text, locale)},
            }})
        };
        let display = self.title.by_locale().into_iter().map(|(locale, name)| {
            json!({
                "locale": locale,
                "name": name,
                "description": in_locale(&self.description, locale),
                "rendering": rendering((locale, name)),
            })
        });
        let claims = self.claims.iter().map(|claim| {
            json!({
                "path": path(claim),
                "display": labels(&claim.label, "label"),
                "mandatory": claim.mandatory,
                "sd": match claim.disclosure {
                    Disclosure::Always => "always",
                    Disclosure::Allowed => "allowed",
                    Disclosure::Never => "never",
                },
            })
        });
        json!({
            "vct": self.vct(public_url),
            "name": self.title.en,
            "description": self.description.en,
            "display": display.collect::<Vec<_>>(),
            "claims": claims.collect::<Vec<_>>(),
        })
    }

    /// `credential_metadata` of the issuer's metadata (OpenID4VCI 1.0 section 12.2.4; checklist VCI-31).
    ///
    /// The logo stands there by its address: wallets in use take the `+` in `image/svg+xml` for the end of a data URI's
    /// media type and refuse all of the metadata.
    pub fn credential_metadata(&self, public_url: &str) -> Value {
        let logo = format!("{}/logo.svg", self.vct(public_url));
        let display = self.title.by_locale().into_iter().map(|(locale, name)| {
            json!({
                "name": name,
                "locale": locale,
                "description": in_locale(&self.description, locale),
                "background_color": self.looks.background_color,
                "text_color": self.looks.text_color,
                "logo": {"uri": logo, "alt_text": in_locale(&self.looks.logo_alt_text, locale)},
            })
        });
        let claims = self
            .claims
            .iter()
            .map(|claim| json!({"path": path(claim), "mandatory": claim.mandatory, "display": labels(&claim.label, "name")}));
        json!({"display": display.collect::<Vec<_>>(), "claims": claims.collect::<Vec<_>>()})
    }
}

fn path(claim: &Claim) -> Vec<Value> {
    let step = |step: &PathStep| match step {
        PathStep::Name(name) => name.as_str().into(),
        PathStep::Every => Value::Null,
    };
    claim.path.iter().map(step).collect()
}

fn labels(text: &Bilingual, member: &str) -> Vec<Value> {
    let label = |(locale, label): (&str, &str)| {
        let members = [("locale".to_owned(), locale.into()), (member.to_owned(), label.into())];
        Value::Object(Map::from_iter(members))
    };
    text.by_locale().map(label).into()
}

fn in_locale<'a>(text: &'a Bilingual, locale: &str) -> &'a str {
    if locale == "en" { &text.en } else { &text.zh_cn }
}
