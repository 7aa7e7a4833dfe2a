//! One event, opened: that it stands in the log under a signed checkpoint, shown to someone who has neither the log nor
//! reason to believe us.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    audit::{
        prove::{self, ProveError},
        seal::{Seal, SealError},
    },
    base::limits::INCLUSION_PROOF_HASHES,
    format::{
        merkle::{self, Hash},
        note::{Checkpoint, NoteError, NoteKey},
    },
    model::event::LoggedEvent,
    store::Store,
};

/// An event with its salt, the path from its commitment to the root, and the checkpoint that states the root.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Opening {
    /// The event and the salt of its commitment.
    #[serde(flatten)]
    pub logged: LoggedEvent,
    /// The inclusion proof (RFC 9162 section 2.1.3), each hash in base64.
    pub inclusion: Vec<String>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// Why an opening shows nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpeningError {
    /// The checkpoint.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// The inclusion proof is not a short list of hashes.
    #[error("the inclusion proof is not a list of hashes")]
    Malformed,
    /// The event with this salt is not the one the log has under its number.
    #[error("the event does not stand in the log under this checkpoint")]
    NotIncluded,
}

/// Why an event was not opened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// No proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// No checkpoint.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Opening {
    /// Opens event `number`, counted from 1, under the newest checkpoint. Who may see it is the caller's to say.
    pub fn of(store: &dyn Store, seal: &Seal, number: u64) -> Result<Self, OpenError> {
        let sealed = seal.checkpoint_of(store)?;
        let inclusion = prove::inclusion(store, number, sealed.head.size)?;
        let logged = store.events(number, 1).map_err(ProveError::from)?.into_iter().next();
        let logged = logged.filter(|logged| logged.event.number == number).ok_or(ProveError::Gap(number))?;
        let inclusion = inclusion.iter().map(|hash| STANDARD.encode(hash)).collect();
        Ok(Self { logged, inclusion, checkpoint: sealed.note.to_string() })
    }

    /// Checks that the event stands in the log whose `key` is given; gives the checkpoint it stands under.
    pub fn verify(&self, key: &NoteKey) -> Result<Checkpoint, OpeningError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        if self.inclusion.len() > INCLUSION_PROOF_HASHES {
            return Err(OpeningError::Malformed);
        }
        let hash = |text: &String| STANDARD.decode(text).ok().and_then(|hash| hash.try_into().ok());
        let proof: Vec<Hash> = self.inclusion.iter().map(hash).collect::<Option<_>>().ok_or(OpeningError::Malformed)?;
        let leaf = merkle::leaf_hash(&self.logged.commitment());
        let index = self.logged.event.number.checked_sub(1).ok_or(OpeningError::NotIncluded)?;
        let included = merkle::verify_inclusion(&leaf, index, checkpoint.size, &proof, &checkpoint.root);
        included.map_err(|_| OpeningError::NotIncluded)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::fixture::{LogOnly, URL, key, signer},
        model::event::What,
    };

    fn opening(number: u64) -> Opening {
        Opening::of(&LogOnly::of(12), &Seal::new(signer(1), URL), number).expect("it is opened")
    }

    #[test]
    fn an_opened_event_is_believed_by_who_has_nothing_but_the_key() {
        for number in 1..=12 {
            let text = serde_json::to_string(&opening(number)).expect("it is written");
            let read: Opening = serde_json::from_str(&text).expect("it is read");
            assert_eq!(read.verify(&key(1)).map(|checkpoint| checkpoint.size), Ok(12), "{number}");
        }
    }

    #[test]
    fn an_event_that_was_changed_in_any_way_is_not() {
        let good = opening(5);
        assert_eq!(good.verify(&key(2)), Err(OpeningError::Checkpoint(NoteError::NotSigned)));
        let changes: [fn(&mut Opening); 6] = [
            |opening| opening.logged.salt[3] ^= 1,
            |opening| opening.logged.event.number = 6,
            |opening| opening.logged.event.number = 0,
            |opening| opening.logged.event.what = What::PersonChanged,
            |opening| opening.inclusion.swap(0, 1),
            |opening| opening.inclusion.truncate(1),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut changed = good.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&key(1)), Err(OpeningError::NotIncluded), "change {at}");
        }
        let malformed: [fn(&mut Opening); 3] = [
            |opening| opening.inclusion[0] = "AAAA".to_owned(),
            |opening| opening.inclusion[0].push('='),
            |opening| opening.inclusion = vec![opening.inclusion[0].clone(); INCLUSION_PROOF_HASHES + 1],
        ];
        for (at, change) in malformed.into_iter().enumerate() {
            let mut changed = good.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&key(1)), Err(OpeningError::Malformed), "change {at}");
        }
    }

    #[test]
    fn there_is_nothing_to_open_beyond_the_log() {
        let error = OpenError::Prove(ProveError::NoSuchEvent);
        for number in [0, 13] {
            assert_eq!(Opening::of(&LogOnly::of(12), &Seal::new(signer(1), URL), number), Err(error.clone()));
        }
    }
}
