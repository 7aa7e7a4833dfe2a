//! The key of status lists hangs or fails (FT-17): the last lists are served as they are, whoever asks for more is told to
//! come again, and the operator is told.

use std::thread;

use serde_json::json;

use crate::{
    faulty::Fault,
    store::{Stand, later},
    support::driver,
};

#[test]
fn a_key_that_hangs_leaves_the_last_list_in_place_and_is_told_of() {
    let stand = Stand::new();
    let anon = stand.service.anon();
    let last = anon.get("/status-lists/1");
    stand.faults.key(Fault::Hangs);
    stand.revoke().good(200);
    assert_eq!(stand.verify(&json!({}))["reason"], "credential_revoked", "the gate does not wait for a list");
    // A second list is opened: nobody has a version of it, and nobody can sign one now.
    stand.service.wallet(2).take(&stand.service, &stand.service.register(&driver(2)), "transport-qualification");
    let asked: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..150).map(|_| scope.spawn(|| stand.service.anon().get("/status-lists/2"))).collect();
        asked.into_iter().map(|asked| asked.join().expect("an answer")).collect()
    });
    // Whoever came first signs, and is told that it takes too long; the others wait beside it.
    for answer in &asked {
        let first = answer.json()["code"] == "late";
        later(answer, if first { "late" } else { "not_ready_yet" }, if first { "5" } else { "1" });
    }
    assert_eq!(stand.verify(&json!({}))["reason"], "credential_revoked", "and the gate has its seats");
    let still = anon.get("/status-lists/1");
    assert_eq!((still.status, still.header("etag"), &still.body), (200, last.header("etag"), &last.body));
    stand.service.clock.advance(151);
    assert!(stand.warns("lists_old"));
    assert_eq!(stand.ready().0, 200, "everything else is done");
    stand.faults.key(Fault::None);
    stand.service.service().tick();
    assert_ne!(anon.get("/status-lists/1").header("etag"), last.header("etag"));
    assert_eq!(anon.get("/status-lists/2").status, 200);
    assert!(!stand.warns("lists_old"));
}
