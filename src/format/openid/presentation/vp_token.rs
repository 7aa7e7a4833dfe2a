//! `vp_token`: which presentations answer which credential query (section 8.1).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    base::limits::{PRESENTATIONS, VP_TOKEN_BYTES},
    format::dcql::Query,
};

/// Why a `vp_token` is refused as a whole. A credential query is named only when it is one of ours.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VpTokenError {
    /// Not a JSON object, or an empty one: a wallet with nothing to show answers with an error.
    #[error("vp_token is not an object with an entry")]
    NotAnObject,
    /// A member that is the id of no credential query.
    #[error("vp_token answers a credential query that was not asked")]
    NotAskedFor,
    /// A member that is not a non-empty array; a bare string or object was so in older drafts.
    #[error("what answers {0} is not an array with an entry")]
    NotAnArray(String),
    /// A presentation that is not a non-empty text. Every format asked for here is one.
    #[error("a presentation for {0} is not a text")]
    NotText(String),
    /// Several presentations where `multiple` was not asked for.
    #[error("more than one presentation for {0}")]
    NotMultiple(String),
    /// More than [`PRESENTATIONS`] in all, or [`VP_TOKEN_BYTES`].
    #[error("more presentations than are looked at")]
    TooMuch,
}

/// Presentations by the id of the credential query they answer: at least one entry, none without a presentation. Nothing
/// else is checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VpToken {
    presentations: BTreeMap<String, Vec<String>>,
}

impl VpToken {
    /// Reads it against the query that it answers. What is optional may be missing: that every needed one is there is for
    /// [`Query::check_answered`] to say, once it is known which presentations are good (section 8.6).
    pub fn read(value: &Value, query: &Query) -> Result<Self, VpTokenError> {
        let members = value.as_object().filter(|members| !members.is_empty()).ok_or(VpTokenError::NotAnObject)?;
        let (mut presentations, mut count, mut bytes) = (BTreeMap::new(), 0, 0);
        for (id, answers) in members {
            let asked = query.credential(id).ok_or(VpTokenError::NotAskedFor)?;
            let answers = answers.as_array().filter(|answers| !answers.is_empty());
            let answers = answers.ok_or_else(|| VpTokenError::NotAnArray(id.clone()))?;
            if answers.len() > 1 && !asked.multiple {
                return Err(VpTokenError::NotMultiple(id.clone()));
            }
            count += answers.len();
            if count > PRESENTATIONS {
                return Err(VpTokenError::TooMuch);
            }
            let text = |answer: &Value| match answer.as_str() {
                Some(text) if !text.is_empty() => Ok(text.to_owned()),
                _ => Err(VpTokenError::NotText(id.clone())),
            };
            let texts = answers.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            bytes += texts.iter().map(String::len).sum::<usize>();
            presentations.insert(id.clone(), texts);
        }
        if bytes > VP_TOKEN_BYTES { Err(VpTokenError::TooMuch) } else { Ok(Self { presentations }) }
    }

    /// Every presentation with the id of its credential query, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.presentations.iter().flat_map(|(id, all)| all.iter().map(move |one| (id.as_str(), one.as_str())))
    }

    /// The presentations for one credential query; none when the wallet left it out.
    pub fn of(&self, id: &str) -> &[String] {
        self.presentations.get(id).map_or(&[], Vec::as_slice)
    }
}
