//! What a browser does with a pushed request: it opens it, and its person agrees or refuses. Each step is made once.

use subtle::ConstantTimeEq;

use crate::{
    base::{base64url, secret::Secret},
    format::openid::authorization::{AuthorizeQuery, Outcome, REQUEST_URI, answer},
    issuance::{
        Fault,
        authorize::{Authorizations, CODE_SECONDS, OPEN_SECONDS, OpenError, Opened, SendBack, View},
    },
    model::{
        authorization::{Authorization, Step},
        credential_type::Ineligible,
        ids::{AuthorizationId, PersonId},
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Versioned, Write},
        redirect::{form_target, place},
        sign_in::CitizenSession,
    },
    store::CommitError,
};

impl Authorizations {
    /// Opens a pushed request in a browser that shows the secret it was given before, if it was given one. The request is
    /// that browser's from then on: another one is refused, the same one is shown it again.
    pub fn open(&self, query: &str, browser: Option<&str>) -> Result<Opened, OpenError> {
        let query = AuthorizeQuery::parse(query)?;
        let request_uri = query.request_uri.ok_or(OpenError::NotPushed)?;
        let key = self.ground.request_uri_hash(request_uri.strip_prefix(REQUEST_URI).ok_or(OpenError::Unknown)?);
        let Versioned { version, value: found } = self.ground.authorization_by(key)?.ok_or(OpenError::Unknown)?;
        if query.client_id.as_deref() != Some(found.client_id.as_str()) {
            return Err(OpenError::Unknown);
        }
        self.check_client_is_on(&found.client_id)?;
        let id = found.id;
        if found.step != Step::Pushed {
            let browser = browser.ok_or(OpenError::OtherBrowser)?;
            self.opened(id, browser)?;
            return Ok(Opened { id, browser: Secret::new(browser.to_owned()) });
        }
        let now = self.ground.clock.now();
        if now >= found.expires_at {
            return Err(OpenError::Unknown);
        }
        // A browser with several requests under way has one secret for all of them.
        let secret = match browser.filter(|secret| base64url::decode_array::<32>(secret).is_ok()) {
            Some(secret) => secret.to_owned(),
            None => base64url::encode(self.ground.random.array::<32>()),
        };
        let expires_at = now.plus_seconds(OPEN_SECONDS);
        let step = Step::Opened { browser: self.ground.browser_hash(&secret) };
        let one_time = OneTime { key, leads_to: LeadsTo::Authorization(id), expires_at };
        let next = Authorization { step, expires_at, ..found };
        match self.advance(version, next, Some(one_time)) {
            Ok(()) => Ok(Opened { id, browser: Secret::new(secret) }),
            // Somebody was faster.
            Err(OpenError::Answered) => Err(OpenError::OtherBrowser),
            Err(error) => Err(error),
        }
    }

    /// What the person in this browser is asked.
    pub fn view(&self, id: AuthorizationId, browser: &str) -> Result<View, OpenError> {
        let found = self.opened(id, browser)?.value;
        let client = self.ground.wallet_client(&found.client_id)?;
        Ok(View {
            id,
            client_name: client.map_or_else(|| found.client_id.clone(), |client| client.name),
            return_host: place(&found.redirect_uri).to_owned(),
            form_target: form_target(&found.redirect_uri),
            from_offer: found.offer.is_some(),
            client_id: found.client_id,
            configurations: found.configurations,
        })
    }

    /// Which of the cards the person who signed in can have today, and why not the others.
    pub fn eligibility(
        &self,
        id: AuthorizationId,
        browser: &str,
        session: &CitizenSession,
    ) -> Result<Vec<(String, Option<Ineligible>)>, OpenError> {
        let found = self.opened(id, browser)?.value;
        Ok(self.eligible_for(session.person, &found.configurations)?)
    }

    /// Whether the person who signed in may agree to it: an offer is one person's.
    pub fn is_for(&self, id: AuthorizationId, browser: &str, session: &CitizenSession) -> Result<bool, OpenError> {
        Ok(self.opened(id, browser)?.value.offered_to.is_none_or(|person| person == session.person))
    }

    /// The person agrees: the browser goes back with a code. Whoever is not the one to whom an offer was made, or can have
    /// none of the cards, is sent back with `access_denied`, and no code was made.
    pub fn agree(&self, id: AuthorizationId, browser: &str, session: &CitizenSession) -> Result<SendBack, OpenError> {
        let Versioned { version, value: found } = self.opened(id, browser)?;
        self.check_client_is_on(&found.client_id)?;
        let is_another = found.offered_to.is_some_and(|person| person != session.person);
        if is_another {
            return self.send_away(version, found, "the offer is for somebody else");
        }
        if self.eligible_for(session.person, &found.configurations)?.iter().all(|(_, why_not)| why_not.is_some()) {
            return self.send_away(version, found, "the person can have none of the cards");
        }
        let code = Secret::new(base64url::encode(self.ground.random.array::<32>()));
        let hash = self.ground.authorization_code_hash(code.expose());
        let expires_at = self.ground.clock.now().plus_seconds(CODE_SECONDS);
        let one_time = OneTime { key: hash, leads_to: LeadsTo::Authorization(id), expires_at };
        let location = self.location(&found, Outcome::Code(code.expose()));
        let step = Step::Agreed { person: session.person, code: hash };
        self.advance(version, Authorization { step, expires_at, ..found }, Some(one_time))?;
        Ok(SendBack { location })
    }

    /// The person refuses: the browser goes back with `access_denied`.
    pub fn refuse(&self, id: AuthorizationId, browser: &str) -> Result<SendBack, OpenError> {
        let Versioned { version, value: found } = self.opened(id, browser)?;
        self.send_away(version, found, "the person did not agree")
    }

    /// Nobody is asked for, or sent back to, a wallet that was switched off meanwhile.
    fn check_client_is_on(&self, client_id: &str) -> Result<(), OpenError> {
        match self.ground.wallet_client(client_id)? {
            Some(client) if client.switched_off_at.is_some() => Err(OpenError::Unknown),
            _ => Ok(()),
        }
    }

    fn send_away(&self, version: u64, found: Authorization, why: &str) -> Result<SendBack, OpenError> {
        let location = self.location(&found, Outcome::Error("access_denied", why));
        self.advance(version, Authorization { step: Step::Refused, ..found }, None)?;
        Ok(SendBack { location })
    }

    fn location(&self, authorization: &Authorization, outcome: Outcome<'_>) -> String {
        answer(&authorization.redirect_uri, outcome, authorization.state.as_deref(), &self.ground.public_url)
    }

    /// The authorisation that this browser opened and nobody answered yet.
    fn opened(&self, id: AuthorizationId, browser: &str) -> Result<Versioned<Authorization>, OpenError> {
        let found = self.ground.authorization(id)?.ok_or(OpenError::Unknown)?;
        let Step::Opened { browser: opened_by } = &found.value.step else {
            return Err(if found.value.step == Step::Pushed { OpenError::Unknown } else { OpenError::Answered });
        };
        let hash: OneTimeKey = self.ground.browser_hash(browser);
        if !bool::from(hash.ct_eq(opened_by)) {
            return Err(OpenError::OtherBrowser);
        }
        if self.ground.clock.now() >= found.value.expires_at { Err(OpenError::Unknown) } else { Ok(found) }
    }

    /// Makes the next step of what has this version; [`OpenError::Answered`] when another was faster.
    fn advance(&self, version: u64, next: Authorization, one_time: Option<OneTime>) -> Result<(), OpenError> {
        let guards = vec![Guard::Version(Key::Authorization(next.id), version)];
        let writes = [Some(Record::Authorization(next)), one_time.map(Record::OneTime)].into_iter().flatten();
        let commit = Commit { guards, writes: writes.map(Write::Put).collect(), ..Commit::default() };
        match self.ground.store.commit(commit) {
            Ok(_) => Ok(()),
            Err(CommitError::GuardFailed(_)) => Err(OpenError::Answered),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    fn eligible_for(&self, person: PersonId, configurations: &[String]) -> Result<Vec<(String, Option<Ineligible>)>, Fault> {
        let (_, today) = self.ground.today()?;
        let person = self.ground.person(person)?.ok_or(Fault::Record("a person"))?.person;
        let why_not = |name: &String| {
            let wanted = self.ground.types.get(name)?;
            Some((name.clone(), wanted.eligible(&person, today).err()))
        };
        Ok(configurations.iter().filter_map(why_not).collect())
    }
}
