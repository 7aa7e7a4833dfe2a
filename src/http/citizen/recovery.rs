//! The page that shows a recovery code, once.

use askama::Template;

use crate::http::citizen::page::Visitor;

/// Where to go on from the page.
pub(in crate::http) enum Onward<'a> {
    /// To a page of ours.
    Page(&'a str),
    /// Back to the wallet, by agreeing to what was asked.
    Agree {
        /// The address of the authorisation.
        address: &'a str,
        /// The name of the wallet.
        client: &'a str,
    },
}

/// A recovery code.
#[derive(Template)]
#[template(path = "citizen/recovery-code.html")]
pub(in crate::http) struct RecoveryCodePage<'a> {
    /// Who looks at it.
    pub(in crate::http) visitor: &'a Visitor,
    /// The code, in groups.
    pub(in crate::http) code: &'a str,
    /// Whose, as the paper says it.
    pub(in crate::http) holder: Option<&'a str>,
    /// The day on which it was made, in words.
    pub(in crate::http) made_on: String,
    /// Where to go on.
    pub(in crate::http) onward: Onward<'a>,
}
