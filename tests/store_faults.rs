//! Random commits with a fault at a random step: after the next start log, records and board agree, and every answer
//! holds.

#[path = "store/harness.rs"]
mod harness;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use harness::*;
use proptest::prelude::*;
use yufu::{
    model::{
        card::State,
        record::{Commit, Key, Write},
    },
    store::{
        CommitError, Mode, Store,
        faults::{Faults, Step},
    },
};

/// A step fails when it comes for the given time, counted from 0.
struct FailAt {
    step: Step,
    left: Mutex<u32>,
}

impl FailAt {
    fn nth(step: Step, nth: u32) -> Arc<Self> {
        Arc::new(Self { step, left: Mutex::new(nth) })
    }
}

impl Faults for FailAt {
    fn before(&self, step: Step) -> io::Result<()> {
        if step != self.step {
            return Ok(());
        }
        let mut left = self.left.lock().expect("no test panics in here");
        let due = *left == 0;
        *left = left.wrapping_sub(1);
        if due { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Issue,
    Move(u8, State),
    Token,
    SwitchOff(u8),
    Setting,
}

fn acts() -> impl Strategy<Value = Act> {
    let state = prop_oneof![Just(State::Active), Just(State::Suspended), Just(State::Revoked)];
    prop_oneof![
        3 => Just(Act::Issue),
        5 => (any::<u8>(), state).prop_map(|(card, state)| Act::Move(card, state)),
        1 => Just(Act::Token),
        1 => any::<u8>().prop_map(Act::SwitchOff),
        1 => Just(Act::Setting),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    use Step::{Answer, LogSync, LogWrite, RecordsApply, RecordsSync};
    prop_oneof![Just(LogWrite), Just(LogSync), Just(RecordsApply), Just(RecordsSync), Just(Answer)]
}

/// What has to hold of a card: its state as last answered, and the one it was moved to without an answer.
type Expected = BTreeMap<String, (Option<State>, Option<Option<State>>)>;

fn state(store: &dyn Store, name: &str) -> Option<State> {
    store.get(&Key::Card(card_id(name))).expect("it is read").map(|_| card(store, name).value.state)
}

/// One act; what is answered of it is noted.
fn play(
    store: &dyn Store,
    act: Act,
    n: usize,
    expected: &mut Expected,
    tokens: &mut BTreeMap<String, bool>,
) -> Result<(), CommitError> {
    let pick = |names: Vec<String>, which: u8| (!names.is_empty()).then(|| names[usize::from(which) % names.len()].clone());
    let (name, to, commit) = match act {
        Act::Issue => (format!("card-{n}"), State::Active, issue(&format!("card-{n}"), 2)),
        Act::Move(which, to) => {
            let Some(name) = pick(expected.keys().cloned().collect(), which) else { return Ok(()) };
            let Some(from) = state(store, &name) else { return Ok(()) };
            if from == State::Revoked || (to == State::Active && from != State::Suspended) {
                return Ok(());
            }
            let commit = transition(&card(store, &name), to, None);
            (name, to, commit)
        }
        Act::Token => {
            let name = format!("token-{n}");
            let made = store.commit(make_token(&name)).map(drop);
            // Without an answer nobody has its secret: it may be good or not.
            if made.is_ok() {
                tokens.insert(name, true);
            }
            return made;
        }
        Act::SwitchOff(which) => {
            let Some(name) = pick(tokens.keys().cloned().collect(), which) else { return Ok(()) };
            let done = store.commit(switch_off(&name)).map(drop);
            match done {
                Ok(()) => drop(tokens.insert(name, false)),
                Err(CommitError::OutcomeUnknown) => drop(tokens.remove(&name)),
                Err(_) => {}
            }
            return done;
        }
        Act::Setting => return store.commit(put(setting("s", &n.to_string()))).map(drop),
    };
    let known = expected.get(&name).and_then(|(known, _)| *known);
    match store.commit(commit).map(drop) {
        Ok(()) => drop(expected.insert(name, (Some(to), None))),
        Err(CommitError::OutcomeUnknown) => {
            expected.insert(name, (known, Some(Some(to))));
            return Err(CommitError::OutcomeUnknown);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn holds(store: &dyn Store, expected: &mut Expected, tokens: &BTreeMap<String, bool>) {
    let by_log = no_index_twice(store);
    for (name, (known, perhaps)) in expected.iter_mut() {
        let now = state(store, name);
        assert!(now == *known || Some(now) == *perhaps, "{name}: {now:?}, answered {known:?}, perhaps {perhaps:?}");
        assert_eq!(by_log.get(&card_id(name)).copied().flatten(), now, "{name}: log and records differ");
        if let Some(state) = now {
            assert_eq!(values(store, &card(store, name).value), [state.list_value(); 2], "{name}");
        }
        (*known, *perhaps) = (now, None);
    }
    for (name, good) in tokens {
        assert_eq!(store.roster().bearer(&token_hash(name)).is_some(), *good, "{name}");
    }
    log_is_whole(store);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_when_log_records_and_board_agree_afterwards(
        rounds in prop::collection::vec((prop::collection::vec(acts(), 1..10), steps(), 0_u32..8), 1..5),
    ) {
        let folder = Folder::new();
        drop(folder.open());
        let (mut expected, mut tokens, mut n) = (Expected::new(), BTreeMap::new(), 0);
        for (acts, step, nth) in rounds {
            let store = folder.open_with(FailAt::nth(step, nth));
            for act in acts {
                n += 1;
                match play(&store, act, n, &mut expected, &mut tokens) {
                    Ok(()) => {}
                    Err(CommitError::Unavailable) => prop_assert_eq!(store.health().mode, Mode::Normal),
                    Err(CommitError::OutcomeUnknown | CommitError::ReadOnly) => {
                        prop_assert_eq!(store.health().mode, Mode::ReadOnly);
                        break;
                    }
                    Err(error) => prop_assert!(false, "{:?}", error),
                }
            }
            drop(store);
            let store = folder.open();
            prop_assert_eq!(store.health().mode, Mode::Normal);
            holds(&store, &mut expected, &tokens);
        }
    }
}

#[test]
fn records_that_cannot_be_synced_at_the_start_are_read_and_not_written() {
    let folder = Folder::new();
    folder.open().commit(issue("card", 1)).expect("it is issued");
    // The log is synced first, then the records.
    let store = folder.open_with(FailAt::nth(Step::StartSync, 1));
    assert_eq!(store.health().mode, Mode::ReadOnly);
    assert_eq!(card(&store, "card").value.state, State::Active);
    assert_eq!(store.commit(Commit::default()), Err(CommitError::ReadOnly));
    drop(store);
    // An event the records do not hold is not redone by a start that must not write, and its card is not good.
    let store = folder.open_with(FailAt::nth(Step::RecordsApply, 0));
    let mut revoke = transition(&card(&store, "card"), State::Revoked, None);
    // What the event does not tell has to reach the records before the answer.
    revoke.writes.push(Write::Put(setting("beside", "it")));
    assert_eq!(store.commit(revoke), Err(CommitError::OutcomeUnknown));
    drop(store);
    let store = folder.open_with(FailAt::nth(Step::StartSync, 1));
    assert_eq!(store.health().mode, Mode::ReadOnly);
    assert_eq!(values(&store, &card(&store, "card").value), [1]);
    drop(store);
    assert_eq!(card(&folder.open(), "card").value.state, State::Revoked);
}
