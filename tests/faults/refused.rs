//! FT-08 and FT-11: starts that are refused. Each says why, ends with the status for it, and makes or changes nothing.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use yufu::model::card::State;

use crate::scene::{Scene, contents};

/// A change to a key file; some change what is in it, one who may read it.
type Change = fn(&Path);

#[test]
fn a_key_file_that_is_missing_open_to_others_cut_or_another_key_is_named_and_none_is_made_in_its_place() {
    let scene = Scene::new(1);
    scene.serve().is_ready();
    let whole = contents(&scene.keys());
    let changes: [(&str, Change); 5] = [
        ("missing", |file| fs::remove_file(file).expect("it is removed")),
        ("open to others", |file| fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("it is opened")),
        ("cut short", |file| {
            let bytes = fs::read(file).expect("it is read");
            fs::write(file, &bytes[..bytes.len() / 2]).expect("it is cut");
        }),
        ("empty", |file| fs::write(file, "").expect("it is emptied")),
        // A key of another algorithm, or text where bytes are due.
        ("another key", |file| {
            let other = if file.ends_with("log.key.pem") { "issuer.key.pem" } else { "log.key.pem" };
            fs::copy(file.with_file_name(other), file).map(drop).expect("it is replaced");
        }),
    ];
    let names = ["issuer.key.pem", "status-list.key.pem", "log.key.pem", "access-token.key.pem", "code.key", "index.key"];
    for (nth, name) in names.into_iter().enumerate() {
        for (what, change) in changes {
            // Each file meets each change where it differs by file; the rest once is enough.
            if nth > 2 && what == "empty" {
                continue;
            }
            let file = scene.keys().join(name);
            change(&file);
            let before = contents(&scene.keys());
            let (status, words) = scene.try_serve(&[]).err().unwrap_or_else(|| panic!("{name} {what}: it starts"));
            assert_eq!(status.code(), Some(3), "{name} {what}: {words}");
            assert!(words.contains(name) && !words.contains("panicked"), "{name} {what}: {words}");
            assert_eq!(contents(&scene.keys()), before, "{name} {what}: nothing is made");
            fs::write(&file, &whole[&file]).expect("it is put back");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is closed");
        }
    }
    // A key beside the certificate of another.
    let (issuer, lists) = (scene.keys().join("issuer.key.pem"), scene.keys().join("status-list.key.pem"));
    fs::write(&issuer, &whole[&lists]).expect("it is written");
    let (status, words) = scene.try_serve(&[]).err().expect("it does not start");
    assert_eq!(status.code(), Some(3));
    assert!(words.contains("does not match the certificate"), "{words}");
    fs::write(&issuer, &whole[&issuer]).expect("it is put back");
    // All of them gone while the data is there: the folder is not mounted, say.
    let away = scene.beside("away");
    fs::rename(scene.keys(), &away).expect("they are moved away");
    let (status, words) = scene.try_serve(&[]).err().expect("it does not start");
    assert_eq!(status.code(), Some(3));
    assert!(words.contains("holds no keys"), "{words}");
    assert!(!scene.keys().join("issuer.key.pem").exists(), "no key was made");
    drop(fs::remove_dir_all(scene.keys()));
    fs::rename(away, scene.keys()).expect("they are moved back");
    scene.serve().is_ready();
}

#[test]
fn a_second_process_on_the_folder_ends_at_once_and_kill_9_leaves_no_lock() {
    let scene = Scene::new(2);
    let mut first = scene.serve();
    first.is_ready();
    let (status, words) = scene.try_serve(&[]).err().expect("the second does not start");
    assert_eq!(status.code(), Some(3));
    assert!(words.contains("another process uses the data folder"), "{words}");
    let repaired = scene.run(&["repair"]);
    assert_eq!(repaired.status.code(), Some(1), "nor does a repair");
    assert_eq!(first.order(&scene.cards[0].id, State::Revoked), Some(200), "the first is unharmed");
    first.kill();
    let next = scene.serve();
    next.is_ready();
    assert_eq!(next.state(&scene.cards[0].id), State::Revoked);
    assert_eq!(next.order(&scene.cards[1].id, State::Revoked), Some(200));
}
