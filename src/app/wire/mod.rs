//! Puts the parts together, and the only place that names implementations: settings, clock and randomness in, a running
//! service out. `main`, the demo and the tests all start the service here.

mod attesters;
mod backup;
mod between;
mod bind;
mod clock_watch;
mod error;
mod files;
mod fill;
mod first_start;
mod keys;
mod login;
mod loops;
mod migrate;
mod opening;
mod repair;
mod request_signer;
mod restore;
mod service_keys;
mod store;
mod test_issuer;
mod verification;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use backup::{BackupFailure, Trailer, backup};
pub use between::{Around, Between};
pub use error::StartError;
pub use fill::{FillFailure, fill};
pub use first_start::token_file;
pub use migrate::{MigrateFailure, Place, migrate};
pub use repair::{RepairFailure, RepairReport, repair};
pub use restore::{NotInLog, RestoreFailure, RestoreReport, restore};
pub use service_keys::ServiceKeysError;

use crate::{
    app::{
        config::{Config, PublicUrl},
        control::{Control, Ground as Beside},
        wire::{
            bind::Bound,
            loops::Loops,
            opening::{Duties, Failed},
        },
    },
    audit::{
        openings::Openings,
        seal::{self, Seal},
    },
    base::{
        clock::{Clock, ClockWatch},
        random::Random,
    },
    crypto::Signer,
    http::{
        State,
        auth::tokens::OperatorTokens,
        call::{Door, Patience},
        checkpoint::follow::Followers,
        connections::Connections,
        metrics::Metrics,
        server::{self, EndsBy, Running},
    },
    issuance::{
        Ground, approval::Approvals, attestation_status::AttestationStatuses, authorize::Authorizations,
        credential::Credentials, freshness::Freshness, metadata::Metadata, nonce::Nonces, notification::Notifications,
        offer::Offers, people::People, self_service::SelfService, sign_in::SignIns, signed_metadata::SignedMetadata,
        token::Tokens, wallets::Wallets,
    },
    keyring::{self, Keyring, Purpose, evidence::EvidenceKeys},
    model::{credential_type::CredentialTypes, profile::Profile, redirect::Admitted, use_case::UseCases},
    outbound::{AddressRules, FetchForeign, ForeignClient, Login},
    revocation::{lifecycle::Lifecycle, publication::Publisher},
    store::{Mode, Store},
    verification::{
        Statuses, Trust, admission::Admissions, evidence::Evidence, request_object::RequestSigner, service::Verifier,
    },
};

use crate::{http::limits::RateLimits, issuance::limits::Limits};

/// A service that takes requests. It ends when it is dropped.
pub struct Service {
    state: Arc<State>,
    running: Option<Running>,
    /// Before the loops and the store: what is copied for a backup breaks off first.
    _control: Option<Control>,
    loops: Loops,
    metrics: Option<SocketAddr>,
    notes: Vec<String>,
    /// Why it ended by itself.
    failed: Failed,
}

/// What the parts are made from.
struct Materials {
    origin: PublicUrl,
    profile: Profile,
    admitted: Vec<Admitted>,
    encryption_required: bool,
    public_url: String,
    keyring: Arc<Keyring>,
    evidence_keys: EvidenceKeys,
    store: Arc<dyn Store>,
    types: Arc<CredentialTypes>,
    use_cases: Arc<UseCases>,
    trust: Arc<Trust>,
    statuses: Arc<Statuses>,
    attestation_statuses: Arc<dyn AttestationStatuses>,
    metrics: Arc<Metrics>,
    limits: Arc<RateLimits>,
    connections: Arc<Connections>,
    login: Option<Arc<dyn Login>>,
    list_signer: Arc<dyn Signer>,
    patience: Patience,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Service {
    /// Starts a service: binds its addresses, opens keys and store or makes them, and takes requests until it is told to
    /// stop. Whatever the settings promise and cannot hold is refused here.
    pub fn start(config: &Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>, ends: EndsBy) -> Result<Self, StartError> {
        Self::start_with(config, clock, random, ends, Between::default())
    }

    /// The same with something between the service and what it rests on.
    pub fn start_with(
        config: &Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        ends: EndsBy,
        between: Between,
    ) -> Result<Self, StartError> {
        let mut bound = bind::bind(&config.listen)?;
        let materials = Materials::gather(config, &bound, clock, random, between)?;
        let now = materials.clock.now();
        let signer = request_signer::request_signer(config, &materials.keyring, &materials.public_url, now)?;
        let mut notes = std::mem::take(&mut bound.notes);
        let made = |file: &PathBuf| format!("made {}, a key that came with this version; keep a backup of it", file.display());
        notes.extend(materials.keyring.added().iter().map(made));
        notes.extend(first_start::no_attester(materials.profile, &materials.keyring, &config.storage.keys));
        notes.extend(first_start::no_proxy(config, &materials.public_url));
        notes.extend(materials.use_cases.left_out().iter().map(|why| format!("a use case that ships is left out: {why}")));
        if !config.outbound.allow_fetch.is_empty() {
            let blocks: Vec<String> = config.outbound.allow_fetch.iter().map(ToString::to_string).collect();
            notes.push(format!("what others name may be fetched from inner addresses: {}", blocks.join(", ")));
        }
        let duties = Duties::new(config, &materials.public_url);
        let mode = materials.store.health().mode;
        match &mode {
            Mode::Guarded(damage) => notes.push(first_start::guarded(damage)),
            Mode::Opening => notes.push(first_start::still_opening()),
            Mode::Normal | Mode::ReadOnly => duties.fulfil(&*materials.store, &materials.operator_tokens())?,
        }
        let former = config.identity.also_public_url.as_ref().map(PublicUrl::as_str);
        let (log_signer, control_signer) = (materials.keyring.signer(Purpose::Log), materials.keyring.signer(Purpose::Log));
        let seal = Seal::open_moved(log_signer, &materials.public_url, former, &config.storage.data)?;
        let test_issuer = test_issuer::open(config, &materials, &mut notes)?;
        let state = Arc::new(State { test_issuer, ..materials.state(seal, signer, &config.storage.data) });
        // Lists are there before the first request can ask for one.
        if let Err(error) = state.publisher.publish(&*state.store, &*state.clock) {
            tracing::error!(%error, "a status list could not be signed at the start");
        }
        let (mut loops, failed) = (Loops::start(&state)?, Failed::default());
        let metrics = bound.metrics.as_ref().and_then(|listener| listener.local_addr().ok());
        let running = server::start(Arc::clone(&state), bound.sites, bound.metrics, config.listen.workers, ends)
            .map_err(StartError::Server)?;
        if mode == Mode::Opening {
            let (waiting, stopper, failed) = (Arc::clone(&state), running.stopper(), failed.clone());
            loops.also("opening", move |stop| duties.fulfil_later(&waiting, stop, &stopper, &failed))?;
        }
        let control = control(config, &state, control_signer, &mut notes);
        Ok(Self { state, running: Some(running), _control: control, loops, metrics, notes, failed })
    }

    /// The public URL.
    pub fn public_url(&self) -> &str {
        &self.state.public_url
    }

    /// The address that serves what has no address of its own.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.as_ref().and_then(|running| running.addresses().first().copied())
    }

    /// The address of metrics, when they are served.
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// What an operator should know of this start.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The store, for tests that look behind the interface.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.state.store
    }

    /// Evidence of decisions, for tests that look behind the interface.
    pub fn evidence(&self) -> &Evidence {
        &self.state.evidence
    }

    /// Runs once what the background does every few seconds, for tests whose clock does not run by itself.
    pub fn tick(&self) {
        clock_watch::look(&self.state);
        loops::schedule(&self.state);
        loops::restore_test_codes(&self.state);
        loops::prune(&self.state);
        loops::destroy_evidence(&self.state);
        self.state.presentations.sweep();
        if let Err(error) = self.state.publisher.publish(&*self.state.store, &*self.state.clock) {
            tracing::error!(%error, "a status list could not be signed");
        }
    }

    /// Waits until the service was told to stop and every request under way is answered. A service whose records, once
    /// they were open, said that it should not have started has ended by itself, with the error of the start.
    pub fn wait(mut self) -> Result<(), StartError> {
        let ended = self.running.take().map_or(Ok(()), Running::wait);
        self.loops.stop();
        self.failed.take().map_or(ended.map_err(StartError::Server), Err)
    }
}

/// The socket for commands on this machine; a service without one works all the same.
fn control(config: &Config, state: &State, log_signer: Arc<dyn Signer>, notes: &mut Vec<String>) -> Option<Control> {
    let (store, clock, public_url) = (Arc::clone(&state.store), Arc::clone(&state.clock), state.public_url.clone());
    let opened = Control::open(&config.storage.data, Beside { store, log_signer, clock, public_url });
    opened.map_err(|error| notes.push(first_start::no_control(&error))).ok()
}

impl Drop for Service {
    /// Requests end first, then the loops, then the store.
    fn drop(&mut self) {
        self.running = None;
        self.loops.stop();
    }
}

impl Materials {
    fn gather(
        config: &Config,
        bound: &Bound,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        between: Between,
    ) -> Result<Self, StartError> {
        let origin = config.identity.public_url.clone().unwrap_or_else(|| PublicUrl::of_listener(bound.wallet_address));
        let public_url = origin.to_string();
        let profile = config.identity.profile_for(&origin);
        let types = match &config.storage.credential_types {
            Some(folder) => CredentialTypes::load(folder)?,
            None => CredentialTypes::built_in()?,
        };
        let use_cases = UseCases::load(config.storage.use_cases.as_deref(), &types, &public_url)?;
        let keyring = keys::open(config, &public_url, &*clock, &*random)?;
        let log_signer = keyring.signer(Purpose::Log);
        // Heads that cannot be believed stop the start a little later, where they are opened.
        let attested = seal::attested(&*log_signer, &public_url, &config.storage.data).unwrap_or_default();
        let store = (between.store)(store::open(config, keyring.index_key(), log_signer, attested, &clock, &random)?);
        let list_signer = (between.list_signer)(keyring.signer(Purpose::StatusList));
        let rules = AddressRules::new(config.outbound.allow_fetch.clone());
        let own_roots = keyring::tls_roots(&config.storage.keys)?;
        let login = login::login(&config.login, &public_url, &own_roots, &clock)?;
        let fetch: Arc<dyn FetchForeign> = Arc::new(ForeignClient::new(rules, &own_roots));
        let attestation_statuses = attesters::attestation_statuses(&keyring, &store, &clock, Arc::clone(&fetch));
        let statuses = Arc::new(Statuses::new(Arc::clone(&store), Arc::clone(&clock), fetch));
        let trust = Arc::new(verification::trust(&keyring, &types, &public_url, clock.now()));
        let (keyring, types, use_cases) = (Arc::new(keyring), Arc::new(types), Arc::new(use_cases));
        let metrics = Arc::new(Metrics::default());
        let limits = Arc::new(RateLimits::new(&config.limits.quotas(), &clock, Arc::clone(&metrics)));
        let most = config.limits.connections(files::may_be_open(), between.stalled);
        let connections = Arc::new(Connections::new(most, Arc::clone(&metrics)));
        let evidence_keys = EvidenceKeys::in_folder(&config.storage.keys);
        Ok(Self {
            origin,
            profile,
            admitted: config.identity.admit_redirect_uris.clone(),
            encryption_required: config.identity.require_encryption,
            public_url,
            keyring,
            evidence_keys,
            store,
            types,
            use_cases,
            trust,
            statuses,
            attestation_statuses,
            metrics,
            limits,
            connections,
            login,
            list_signer,
            patience: between.patience,
            clock,
            random,
        })
    }

    fn operator_tokens(&self) -> OperatorTokens {
        OperatorTokens {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            use_cases: Arc::clone(&self.use_cases),
        }
    }

    fn ground(&self) -> Ground {
        Ground {
            store: Arc::clone(&self.store),
            keyring: Arc::clone(&self.keyring),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            types: Arc::clone(&self.types),
            profile: self.profile,
            attestation_statuses: Arc::clone(&self.attestation_statuses),
            limits: Arc::clone(&self.limits) as Arc<dyn Limits>,
            encryption_required: self.encryption_required,
            public_url: self.public_url.as_str().into(),
        }
    }

    fn state(self, seal: Seal, signer: RequestSigner, data: &Path) -> State {
        let (ground, seal) = (self.ground(), Arc::new(seal));
        let presentations = self.presentations(signer);
        let lists = (Arc::clone(&self.list_signer), self.keyring.x5c(Purpose::StatusList));
        State {
            people: People::new(ground.clone()),
            offers: Offers::new(ground.clone()),
            authorizations: Authorizations::new(ground.clone(), self.admitted.clone()),
            wallets: Wallets::new(ground.clone()),
            sign_ins: SignIns::new(ground.clone()),
            test_issuer: None,
            profile: self.profile,
            province: self.login.clone().map(|login| login::province(ground.clone(), login)),
            access_tokens: Tokens::new(ground.clone()),
            freshness: Freshness::new(ground.clone()),
            nonces: Nonces::new(ground.clone()),
            credentials: Credentials::new(ground.clone()),
            signed_metadata: SignedMetadata::new(ground.clone()),
            self_service: SelfService::new(ground.clone()),
            notifications: Notifications::new(ground.clone()),
            approvals: Approvals::new(ground.clone()),
            metadata: Metadata::new(ground),
            lifecycle: Lifecycle {
                store: Arc::clone(&self.store),
                clock: Arc::clone(&self.clock),
                random: Arc::clone(&self.random),
                keyring: Arc::clone(&self.keyring),
            },
            verifier: Verifier::new(Arc::clone(&self.statuses), Arc::clone(&self.clock), Arc::clone(&self.trust)),
            trust: Arc::clone(&self.trust),
            certificates: verification::certificates(&self.keyring),
            evidence: self.evidence(),
            presentations,
            shown: self.shown(),
            admissions: Admissions::new(Arc::clone(&self.store), Arc::clone(&self.clock)),
            followers: Followers::default(),
            publisher: Arc::new(Publisher::new(lists.0, lists.1, &self.public_url).lasting(data, self.clock.now())),
            openings: Openings::new(Arc::clone(&self.store), Arc::clone(&seal)),
            seal,
            operator_tokens: self.operator_tokens(),
            door: Door::with(self.patience),
            limits: self.limits,
            connections: self.connections,
            clock_watch: ClockWatch::new(&*self.clock),
            metrics: self.metrics,
            public_url: self.public_url,
            types: self.types,
            use_cases: self.use_cases,
            store: self.store,
            clock: self.clock,
            random: self.random,
        }
    }
}
