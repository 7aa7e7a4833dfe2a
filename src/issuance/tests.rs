//! A ground for unit tests: a store of its own, and a clock set by hand.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::Algorithm,
    issuance::{Ground, caller::Caller, people::People},
    keyring::{Keyring, Purpose},
    model::{
        client::WalletInstance,
        credential_type::CredentialTypes,
        ids::{PersonId, TokenId},
        party::{Authority, Operator, Role},
        profile::Profile,
    },
    store::sled::{Options, SledStore},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

/// A ground and what it stands on.
pub(super) struct Floor {
    pub(super) ground: Ground,
    pub(super) clock: ManualClock,
    data: tempfile::TempDir,
}

impl Floor {
    pub(super) fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(NOW);
        let ground = ground(&data, &clock, 1);
        Self { ground, clock, data }
    }

    /// Stops the store and opens it again, with randomness that was not drawn before.
    pub(super) fn restarted(self, seed: u64) -> Self {
        let Self { ground, clock, data } = self;
        drop(ground);
        let ground = self::ground(&data, &clock, seed);
        Self { ground, clock, data }
    }

    pub(super) fn register(&self, id_number: &str) -> PersonId {
        People::new(self.ground.clone()).register(&registrar(), &fields(id_number)).expect("registered")
    }
}

fn registrar() -> Authority {
    Authority::Operator(Operator::authenticated(TokenId::from_bytes([9; 16]), Role::Registrar))
}

fn fields(id_number: &str) -> Map<String, Value> {
    let fields = json!({
        "id_number": id_number, "family_name": "林", "given_name": "晓雨", "latin_family_name": "LIN",
        "latin_given_name": "XIAOYU", "sex": "male", "ethnicity": "苗", "birth_date": "1990-03-07",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "中华北路1号"},
    });
    fields.as_object().cloned().expect("an object")
}

fn ground(data: &tempfile::TempDir, clock: &ManualClock, seed: u64) -> Ground {
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(seed));
    // The same keys at every start.
    let keys = SeededRandom::new(0);
    let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, clock, &keys).expect("keys");
    let (index_key, log) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    let options = Options::new(data.path(), index_key, log, Arc::new(clock.clone()), Arc::clone(&random));
    Ground {
        store: Arc::new(SledStore::open(options).expect("a store")),
        keyring: Arc::new(keyring),
        clock: Arc::new(clock.clone()),
        random,
        types: Arc::new(CredentialTypes::built_in().expect("types")),
        profile: Profile::Haip,
        attestation_statuses: Arc::new(crate::issuance::attestation_status::NobodyToAsk),
        encryption_required: false,
        limits: Arc::new(crate::issuance::limits::Unlimited),
        public_url: "https://id.example".into(),
    }
}

/// An attested wallet of this installation, which proves its DPoP key.
pub(super) fn caller(installation: u8) -> Caller {
    Caller {
        client_id: Some("https://wallet.example".to_owned()),
        attested: true,
        dpop_jkt: Some(format!("dpop-{installation}")),
        instance: Some(WalletInstance::of_hash([installation; 32])),
        ..Caller::default()
    }
}
