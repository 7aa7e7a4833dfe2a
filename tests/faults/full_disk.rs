//! FT-04 and FT-05: a disk that is full, a folder that cannot be written, and a disk that turns read-only under the service.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use yufu::model::card::State;

use crate::scene::{Ledger, Scene, Served, can_trace, patiently, works};

const CARDS: usize = 40;

/// A small file system in memory; gone when it is dropped.
struct Tmpfs {
    at: PathBuf,
}

impl Tmpfs {
    /// None without the right to make one.
    fn mount(at: &Path, megabytes: usize) -> Option<Self> {
        fs::create_dir(at).expect("a folder");
        let size = format!("size={megabytes}m");
        works("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", at.to_str().expect("a plain path")])
            .then(|| Self { at: at.to_owned() })
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        let done = Command::new("mount").args(["-o", &option]).arg(&self.at).status().expect("mount runs");
        assert!(done.success(), "mount -o {option}");
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.at.join("filler");
        let mut file = fs::File::options().create(true).append(true).open(&path).expect("a file");
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// A scene whose data lies on a file system of so many megabytes.
fn on_tmpfs(megabytes: usize) -> Option<(Scene, Tmpfs)> {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Tmpfs::mount(&folder.path().join("disk"), megabytes)?;
    let data = disk.at.join("data");
    Some((Scene::with_data(folder, data, CARDS), disk))
}

/// What goes on whatever cannot be written: lists, the page of readiness, and every answered order in them.
fn reading_goes_on(scene: &Scene, served: &Served, ledger: &Ledger) {
    assert_eq!(served.user.get("/health/live").status, 200);
    ledger.is_shown(scene, &served.user);
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers_without_a_restart() {
    let Some((scene, disk)) = on_tmpfs(48) else { return };
    let mut ledger = Ledger::of(&scene);
    let mut served = scene.serve();
    served.is_ready();
    let mut next = 0;
    for _ in 0..2 {
        for card in next..next + 4 {
            let answer = served.order(&scene.cards[card].id, State::Revoked);
            assert_eq!(answer, Some(200), "there is room");
            ledger.note(card, State::Revoked, answer);
        }
        let filler = disk.fill();
        let mut refused = 0;
        for card in next + 4..next + 12 {
            let answer = served.order(&scene.cards[card].id, State::Revoked);
            assert!(matches!(answer, Some(200 | 503 | 507)), "{answer:?}");
            refused += usize::from(answer != Some(200));
            ledger.note(card, State::Revoked, answer);
        }
        assert!(refused > 0, "the disk is full");
        reading_goes_on(&scene, &served, &ledger);

        fs::remove_file(filler).expect("it is removed");
        let card = next + 12;
        patiently("revoking works again once there is room", || {
            (served.order(&scene.cards[card].id, State::Revoked) == Some(200)).then_some(())
        });
        ledger.note(card, State::Revoked, Some(200));
        served.is_ready();
        next += 13;
    }

    // A start on a full disk serves the lists at least; with room everything works.
    served.kill();
    let filler = disk.fill();
    let mut served = scene.serve();
    reading_goes_on(&scene, &served, &ledger);
    served.kill();
    fs::remove_file(filler).expect("it is removed");
    let served = scene.serve();
    served.is_ready();
    ledger.holds(&scene, &served, 0..CARDS);
    assert_eq!(served.order(&scene.cards[CARDS - 1].id, State::Revoked), Some(200));
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_nothing_is_started() {
    let Some((scene, disk)) = on_tmpfs(48) else { return };
    scene.serve().is_ready();
    disk.remount("ro");
    let (status, words) = scene.try_serve(&[]).err().expect("it does not start");
    assert_eq!(status.code(), Some(3));
    assert!(words.contains("read-only") && !words.contains("panicked"), "{words}");
    disk.remount("rw");
    let served = scene.serve();
    served.is_ready();
    assert_eq!(served.order(&scene.cards[0].id, State::Revoked), Some(200));
}

#[test]
fn a_disk_that_turns_read_only_under_the_service_stops_writing_and_nothing_else() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(CARDS);
    let mut ledger = Ledger::of(&scene);
    let mut served = scene.serve();
    served.is_ready();
    let answer = served.order(&scene.cards[0].id, State::Revoked);
    ledger.note(0, State::Revoked, answer);
    assert_eq!(answer, Some(200));

    // A file system that goes read-only with files open on it: each write to the folder fails from now on.
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-o", "/dev/null", "-e", "trace=write,pwrite64,ftruncate", "-e"]);
    tracer.args(["inject=write,pwrite64,ftruncate:error=EROFS", "-p", &served.child.id().to_string()]);
    for folder in ["log", "store"] {
        for entry in fs::read_dir(scene.data.join(folder)).expect("it is listed") {
            tracer.arg("-P").arg(entry.expect("it is listed").path());
        }
    }
    let mut tracer = tracer.stderr(std::process::Stdio::null()).spawn().expect("strace attaches");
    let mut card = 1;
    patiently("writing fails", || {
        let answer = served.order(&scene.cards[card].id, State::Revoked);
        ledger.note(card, State::Revoked, answer);
        card += 1;
        (answer == Some(503)).then_some(())
    });
    for again in card..card + 4 {
        let answer = served.order(&scene.cards[again].id, State::Revoked);
        assert_eq!(answer, Some(503));
        ledger.note(again, State::Revoked, answer);
    }
    reading_goes_on(&scene, &served, &ledger);
    tracer.kill().and_then(|()| tracer.wait()).expect("strace ends");

    served.kill();
    let served = scene.serve();
    served.is_ready();
    ledger.holds(&scene, &served, 0..CARDS);
}
