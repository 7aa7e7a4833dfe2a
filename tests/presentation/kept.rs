//! Nothing of a presentation reaches the disk.

use std::{fs, path::Path};

use serde_json::json;
use yufu::base::base64url;

use super::{Scene, support::person, text, told};

/// Every file under a folder, with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| {
        // The socket of a running service holds nothing.
        match path {
            path if path.is_dir() => files(&path),
            path if path.is_file() => vec![(path.display().to_string(), fs::read(&path).expect("a file"))],
            _ => Vec::new(),
        }
    };
    entries.flat_map(read).collect()
}

/// The ways in which a text can stand in base64 or base64url: its first byte at each of three places.
fn in_base64(text: &str) -> Vec<String> {
    let at = |offset: usize| {
        let encoded = base64url::encode([vec![0; offset], text.as_bytes().to_vec()].concat());
        // The characters at both ends depend on what stands beside.
        encoded[(offset * 8).div_ceil(6)..encoded.len() - 1].to_owned()
    };
    let urls: Vec<_> = (0..3).map(at).collect();
    let plain = urls.iter().map(|text| text.replace('-', "+").replace('_', "/"));
    plain.chain(urls.clone()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for before in ["", "a", "ab", "abc"] {
        let encoded = base64url::encode(format!("{before}鱼小符 520103199003070029 and more"));
        assert!(in_base64("520103199003070029").iter().any(|text| encoded.contains(text)), "{before}");
    }
}

#[test]
fn ten_answers_leave_nothing_on_the_disk() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let head = scene.service.service().store().head();
    let person = person(1);
    let mut secrets: Vec<String> =
        [text(&person["id_number"]), "测试员", "SHIYUAN", "1990-03-07", "中华北路"].map(Into::into).into();
    secrets.extend(card.credential.split(['.', '~']).filter(|part| part.len() > 40).map(str::to_owned));
    for round in 0..10 {
        let name = ["age-over-18", "security-check"][round % 2];
        let (begun, asked) = scene.ask(&json!({"use_case": name, "signed": true}));
        scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
        let seen = begun.look();
        assert_eq!(told(&seen["statement"]).0, "accepted");
        secrets.push(text(&seen["signed_statement"]).rsplit('.').next().expect("a signature").to_owned());
        secrets.push(text(&seen["id"]).to_owned());
        secrets.extend(["nonce", "state"].map(|claim| asked.text(claim).to_owned()));
        let ids = [asked.text("response_uri"), text(&begun.first["request_uri"])];
        secrets.extend(ids.map(|uri| uri.rsplit('/').next().expect("an id").to_owned()));
    }
    assert!(secrets.iter().all(|secret| secret.len() >= 7), "{secrets:?}");
    assert_eq!(scene.service.service().store().head(), head, "a presentation is no event");
    let files = files(&scene.service.data());
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 1000, "there are records");
    for secret in &secrets {
        for written in in_base64(secret).iter().chain([secret]) {
            for (file, bytes) in &files {
                assert!(!holds(bytes, written), "{secret} stands in {file}");
            }
        }
    }
}
