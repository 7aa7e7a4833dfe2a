//! What a checkpoint may ask for, and where its answers may go: its account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::{
    limits::{ACCOUNT_ADDRESSES, ACCOUNT_USE_CASES},
    origin::{is_safe_address, is_safe_origin},
};

/// The account of a checkpoint, as its token's record and the event that made it keep it. It does not change: another
/// account is another token.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct CheckpointAccount {
    /// The use cases it is limited to; none: it may ask for any, and by queries of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_cases: Option<Vec<String>>,
    /// Where a wallet may send a person back to (same device), compared octet by octet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Origins of pages that may ask by the Digital Credentials API, besides the service's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

/// What is wrong with an account, and in which member of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{member}: {wrong}")]
pub struct AccountError {
    /// `use_cases`, `redirect_uris` or `origins`.
    pub member: &'static str,
    /// What is wrong with it.
    pub wrong: AccountWrong,
}

/// What is wrong with a member of an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccountWrong {
    /// Only a checkpoint has an account.
    #[error("only a token of role checkpoint has this member")]
    NotACheckpoint,
    /// A limit to nothing.
    #[error("name at least one use case, or leave the member out")]
    Empty,
    /// More than anybody needs.
    #[error("at most {0} entries")]
    TooMany(usize),
    /// The entry at this place stands there twice.
    #[error("entry {0} stands twice")]
    Twice(usize),
    /// The entry at this place is no name of a use case.
    #[error("entry {0} is not the name of a use case")]
    UseCase(usize),
    /// The entry at this place is no address a wallet is sent back to.
    #[error("entry {0} is not an absolute https address (or http on this machine itself) without a fragment")]
    Address(usize),
    /// The entry at this place is no origin.
    #[error(
        "entry {0} is not an https origin (or http on this machine itself) in its one spelling, such as https://gate.example"
    )]
    Origin(usize),
}

impl CheckpointAccount {
    /// Whether nothing is registered: no limit, and nowhere to go.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it may ask for this use case.
    pub fn allows(&self, use_case: &str) -> bool {
        self.use_cases.as_ref().is_none_or(|names| names.iter().any(|name| name == use_case))
    }

    /// Passes when every member is as it has to be; `is_use_case` says which names there are.
    pub fn check(&self, is_use_case: impl Fn(&str) -> bool) -> Result<(), AccountError> {
        let names = self.use_cases.as_deref();
        let in_member = |member| move |wrong| AccountError { member, wrong };
        if names.is_some_and(<[String]>::is_empty) {
            return Err(in_member("use_cases")(AccountWrong::Empty));
        }
        check(names.unwrap_or_default(), ACCOUNT_USE_CASES, is_use_case, AccountWrong::UseCase)
            .map_err(in_member("use_cases"))?;
        check(&self.redirect_uris, ACCOUNT_ADDRESSES, is_safe_address, AccountWrong::Address)
            .map_err(in_member("redirect_uris"))?;
        check(&self.origins, ACCOUNT_ADDRESSES, is_safe_origin, AccountWrong::Origin).map_err(in_member("origins"))
    }

    /// Passes when it has no member, as is due for every other role.
    pub fn check_absent(&self) -> Result<(), AccountError> {
        let members = [
            ("use_cases", self.use_cases.is_some()),
            ("redirect_uris", !self.redirect_uris.is_empty()),
            ("origins", !self.origins.is_empty()),
        ];
        match members.into_iter().find(|(_, is_there)| *is_there) {
            Some((member, _)) => Err(AccountError { member, wrong: AccountWrong::NotACheckpoint }),
            None => Ok(()),
        }
    }
}

fn check(
    entries: &[String],
    most: usize,
    is_good: impl Fn(&str) -> bool,
    not_good: impl Fn(usize) -> AccountWrong,
) -> Result<(), AccountWrong> {
    if entries.len() > most {
        return Err(AccountWrong::TooMany(most));
    }
    let mut seen = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        if !is_good(entry) {
            return Err(not_good(at));
        }
        if !seen.insert(entry) {
            return Err(AccountWrong::Twice(at));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(use_cases: Option<&[&str]>, redirect_uris: &[&str], origins: &[&str]) -> CheckpointAccount {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        CheckpointAccount { use_cases: use_cases.map(texts), redirect_uris: texts(redirect_uris), origins: texts(origins) }
    }

    fn checked(account: &CheckpointAccount) -> Result<(), (&'static str, AccountWrong)> {
        account.check(|name| ["boarding", "hotel"].contains(&name)).map_err(|error| (error.member, error.wrong))
    }

    #[test]
    fn a_good_account_passes_and_each_fault_is_named_with_its_place() {
        use AccountWrong as W;
        assert_eq!(checked(&account(None, &[], &[])), Ok(()));
        let (back, origin) = ("https://gate.example/back", "https://gate.example");
        assert_eq!(checked(&account(Some(&["boarding", "hotel"]), &[back], &[origin])), Ok(()));
        let cases = [
            (account(Some(&[]), &[], &[]), "use_cases", W::Empty),
            (account(Some(&["boarding", "flying"]), &[], &[]), "use_cases", W::UseCase(1)),
            (account(Some(&["hotel", "hotel"]), &[], &[]), "use_cases", W::Twice(1)),
            (account(None, &[back, "http://gate.example/back"], &[]), "redirect_uris", W::Address(1)),
            (account(None, &[back, back], &[]), "redirect_uris", W::Twice(1)),
            (account(None, &[back; ACCOUNT_ADDRESSES + 1], &[]), "redirect_uris", W::TooMany(ACCOUNT_ADDRESSES)),
            (account(None, &[], &["https://gate.example/"]), "origins", W::Origin(0)),
        ];
        for (account, member, wrong) in cases {
            assert_eq!(checked(&account), Err((member, wrong)), "{account:?}");
        }
    }

    #[test]
    fn a_limit_names_what_is_allowed_and_no_limit_allows_all() {
        assert!(account(None, &[], &[]).allows("hotel"));
        let limited = account(Some(&["boarding"]), &[], &[]);
        assert!(limited.allows("boarding") && !limited.allows("hotel") && !limited.is_plain());
    }

    #[test]
    fn other_roles_have_no_account() {
        assert_eq!(CheckpointAccount::default().check_absent(), Ok(()));
        let registered = account(None, &[], &["https://gate.example"]);
        let error = AccountError { member: "origins", wrong: AccountWrong::NotACheckpoint };
        assert_eq!(registered.check_absent(), Err(error));
    }
}
