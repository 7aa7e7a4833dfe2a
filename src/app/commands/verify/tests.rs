use std::{fs, sync::Arc};

use clap::Parser;
use serde_json::{Map, Value, json};

use super::{print::plain, *};
use crate::{
    base::{clock::ManualClock, random::SeededRandom},
    crypto::{Algorithm, Signer, SoftwareKey, x509::x5c_header},
    format::{
        sdjwt::{HolderProof, Issuance, Step, issue, present},
        status::{Bits, StatusList, StatusListClaims, sign},
    },
    keyring::{Keyring, Purpose},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const URL: &str = "https://id.example";
const LIST: &str = "https://id.example/status-lists/1";

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

/// A folder with the files of a checkpoint: `root.pem`, `list.jwt`, `card`.
struct Desk {
    folder: tempfile::TempDir,
    keyring: Keyring,
    holder: SoftwareKey,
    random: Arc<SeededRandom>,
}

impl Desk {
    fn new() -> Self {
        let random = Arc::new(SeededRandom::new(3));
        let clock = ManualClock::at(NOW);
        let keyring = Keyring::in_memory(URL, Algorithm::Es256, &clock, &*random).expect("keys");
        let holder = SoftwareKey::generate(Algorithm::Ed25519, &*random);
        let desk = Self { folder: tempfile::tempdir().expect("a folder"), keyring, holder, random };
        desk.write("root.pem", &crate::crypto::pem::encode("CERTIFICATE", desk.keyring.anchors()[0].der()));
        desk
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn card(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let claims = json!({
            "iss": URL, "vct": "https://id.example/credential-types/resident-id", "nbf": NOW.unix(), "exp": NOW.unix() + 86_400,
            "cnf": {"jwk": self.holder.public_key().to_jwk()}, "name": "鱼小符",
            "status": {"status_list": {"idx": 7, "uri": LIST}},
        });
        let mut claims = claims.as_object().expect("an object").clone();
        change(&mut claims);
        let header = json!({"x5c": x5c_header(self.keyring.x5c(Purpose::Issuer))}).as_object().expect("an object").clone();
        let disclosable = [vec![Step::Name("name".to_owned())]];
        let issuance = Issuance { header, claims, disclosable: &disclosable, decoys: 0 };
        issue(issuance, &*self.keyring.signer(Purpose::Issuer), &*self.random).expect("a card")
    }

    fn presented(&self) -> String {
        let proof = HolderProof { signer: &self.holder, nonce: "n-1", audience: "gate", issued_at: NOW };
        present(&self.card(|_| {}), &|_| true, Some(proof)).expect("a presentation")
    }

    fn list(&self, value: u8, signed_at: Timestamp) -> String {
        let mut list = StatusList::all_valid(Bits::Two, 64);
        list.set(7, value).expect("an entry");
        let claims = StatusListClaims {
            sub: LIST.to_owned(),
            iat: signed_at,
            exp: Some(NOW.plus_seconds(3600)),
            ttl: Some(300),
            bits: Bits::Two,
            lst: StatusListClaims::encode(list.packed()).expect("a list"),
            aggregation_uri: None,
        };
        let signer = self.keyring.signer(Purpose::StatusList);
        let token = sign(&claims, self.keyring.x5c(Purpose::StatusList), &*signer).expect("a token");
        self.write(&format!("list-{value}-{signed_at}.jwt"), &token)
    }

    /// Exit status, output, errors.
    fn run(&self, input: &str, words: &[&str]) -> (u8, String, String) {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let cli = Cli::try_parse_from([&["verify"], words].concat()).expect("a good call");
        let status = run(&cli.arguments, &ManualClock::at(NOW), &mut input.as_bytes(), &mut output, &mut errors);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status, text(output), text(errors))
    }

    fn reason(&self, input: &str, words: &[&str]) -> (u8, String) {
        let (status, output, _) = self.run(input, &[words, &["--json"]].concat());
        let statement: Statement = serde_json::from_str(&output).expect("a statement");
        (status, statement.reason.name().to_owned())
    }
}

#[test]
fn the_status_decides_the_exit_status() {
    let desk = Desk::new();
    let (shown, root) = (desk.presented() + "\n", desk.path("root.pem"));
    let bound = ["-", "--nonce", "n-1", "--audience", "gate", "--anchor", &root];
    let with = |lists: &[&str]| {
        let lists: Vec<_> = lists.iter().flat_map(|list| ["--status", list]).collect();
        desk.reason(&shown, &[&bound, lists.as_slice()].concat())
    };
    let (valid, revoked, suspended) =
        (desk.list(0, NOW), desk.list(1, NOW.plus_seconds(-5)), desk.list(2, NOW.plus_seconds(-9)));
    assert_eq!(with(&[]), (2, "status_unavailable".to_owned()));
    assert_eq!(with(&[&valid]), (0, "accepted".to_owned()));
    assert_eq!(with(&[&revoked]), (1, "credential_revoked".to_owned()));
    assert_eq!(with(&[&suspended]), (1, "credential_suspended".to_owned()));
    assert_eq!(with(&[&suspended, &valid, &revoked]), (0, "accepted".to_owned()), "the newest counts");
    assert_eq!(with(&[&root]), (2, "status_unavailable".to_owned()), "a file that is no list says nothing");
}

#[test]
fn a_good_presentation_is_printed_in_both_languages() {
    let desk = Desk::new();
    let (file, root, list) = (desk.write("card", &desk.presented()), desk.path("root.pem"), desk.list(0, NOW));
    let words = [file.as_str(), "--nonce", "n-1", "--audience", "gate", "--anchor", &root, "--status", &list];
    let (status, output, errors) = desk.run("", &words);
    assert_eq!((status, errors.as_str()), (0, ""));
    for part in
        ["✔ 放行 · accepted (accepted)", "name: 鱼小符", "有效 · valid (2026-11-24T06:00:00Z, 0 s, list)", "– issued_by_us"]
    {
        assert!(output.contains(part), "{part} in\n{output}");
    }
}

#[test]
fn time_and_holder_binding_follow_the_arguments() {
    let desk = Desk::new();
    let (root, list) = (desk.path("root.pem"), desk.list(0, NOW));
    let bare = desk.card(|_| {});
    let free = ["-", "--without-holder-binding", "--anchor", &root, "--status", &list];
    assert_eq!(desk.reason(&bare, &free), (0, "accepted".to_owned()));
    assert_eq!(desk.reason(&desk.presented(), &free), (1, "holder_binding_unexpected".to_owned()));
    let at = |time: &str| desk.reason(&bare, &[&free[..], &["--at", time]].concat());
    assert_eq!(at("2027-11-24T00:00:00+08:00"), (1, "credential_expired".to_owned()));
    assert_eq!(at("2026-11-24T05:00:00Z"), (1, "credential_not_yet_valid".to_owned()));
    let bound = ["-", "--nonce", "n-1", "--audience", "gate", "--anchor", &root];
    assert_eq!(desk.reason(&bare, &bound), (1, "holder_binding_missing".to_owned()));
    assert_eq!(desk.reason("\u{0}\u{1}", &bound), (1, "presentation_malformed".to_owned()));
    assert_eq!(desk.reason(&"x".repeat(SD_JWT_BYTES + 9), &bound), (1, "presentation_too_large".to_owned()));
}

#[test]
fn a_call_that_cannot_be_answered_says_why_and_ends_with_three() {
    let desk = Desk::new();
    let (root, empty, missing) = (desk.path("root.pem"), desk.path(""), desk.path("no-such-file"));
    let garbage = desk.write("garbage.pem", "no certificate");
    for (words, said) in [
        (vec!["-", "--without-holder-binding", "--keys", &empty], "there is no trust anchor in"),
        (vec!["-", "--without-holder-binding", "--anchor", &missing], "no-such-file"),
        (vec!["-", "--without-holder-binding", "--anchor", &garbage], "garbage.pem"),
        (vec![&missing, "--without-holder-binding", "--anchor", &root], "no-such-file"),
        (vec!["-", "--nonce", "", "--audience", "gate", "--anchor", &root], "--nonce"),
    ] {
        let (status, output, errors) = desk.run("", &words);
        assert_eq!((status, output.as_str()), (USAGE, ""), "{words:?}");
        assert!(errors.contains(said), "{errors}");
    }
    for words in [
        vec!["verify", "-"],
        vec!["verify", "-", "--nonce", "n"],
        vec!["verify", "-", "--audience", "gate"],
        vec!["verify", "-", "--without-holder-binding", "--nonce", "n", "--audience", "gate"],
        vec!["verify", "-", "--without-holder-binding", "--at", "yesterday"],
        vec!["verify", "--without-holder-binding"],
    ] {
        assert!(Cli::try_parse_from(&words).is_err(), "{words:?}");
    }
}

#[test]
fn a_terminal_obeys_nothing_that_a_stranger_wrote() {
    assert_eq!(plain("a\u{1b}[2Jb\u{9b}c\u{202e}d\r\n鱼"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}鱼");
    let desk = Desk::new();
    let root = desk.path("root.pem");
    let hostile = desk.card(|claims| {
        claims.insert("name".to_owned(), "\u{1b}]0;owned\u{7}".into());
        claims.remove("status");
    });
    let (status, output, _) = desk.run(&hostile, &["-", "--without-holder-binding", "--anchor", &root]);
    assert_eq!(status, 0);
    assert!(!output.contains('\u{1b}') && output.contains("]0;owned"), "{output}");
}

#[test]
fn without_an_anchor_the_folder_of_keys_says_whom_to_trust_and_for_what() {
    let desk = Desk::new();
    let (keys, list, bare) = (desk.path("keys"), desk.list(0, NOW), desk.card(|_| {}));
    fs::create_dir_all(desk.path("keys/trust/one")).expect("a folder");
    fs::copy(desk.path("root.pem"), desk.path("keys/trust/one/root.pem")).expect("it is copied");
    let words = ["-", "--without-holder-binding", "--keys", &keys, "--status", &list];
    let told = |more: &str| {
        let text = format!("url = \"https://t.example\"\nname = {{ \"zh-CN\" = \"甲\", en = \"A\" }}\n{more}\n");
        desk.write("keys/trust/one/list.toml", &text);
        desk.reason(&bare, &words)
    };
    assert_eq!(told(""), (0, "accepted".to_owned()));
    assert_eq!(told("issuers = [\"https://other.example\"]"), (1, "issuer_not_trusted".to_owned()));
    assert_eq!(told("purposes = [\"credentials\"]"), (2, "status_unavailable".to_owned()));
    assert_eq!(told("purposes = [\"status_lists\"]"), (1, "issuer_not_trusted".to_owned()));
    desk.write("keys/trust/one/list.toml", "");
    let (status, _, errors) = desk.run(&bare, &words);
    assert!(status == USAGE && errors.contains("keys/trust/one/list.toml"), "{errors}");
}
