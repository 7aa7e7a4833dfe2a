//! The files of the checkpoint page: its own modules, styles and words, and the bar code reader of others.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{LazyLock, OnceLock},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, ServiceConfig, route},
};
use flate2::{Compression, write::GzEncoder};

use crate::{
    base::base64url,
    crypto::sha256,
    http::{
        document,
        headers::{CHECKPOINT_WORKER_POLICY, accepts_gzip, has_already},
        page::Language,
        route::{get, resource},
    },
    verification::boarding::Difference,
};

/// Where they are served.
pub(super) const FOLDER: &str = "/assets/checkpoint/";

/// Browsers ask each time whether a file is still the one they have: the modules fit each other in one version only.
const MODULE_SECONDS: u32 = 0;

/// Thirty days for files whose path names their version.
const VERSIONED_SECONDS: u32 = 30 * 86_400;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const WASM: &str = "application/wasm";

/// A file as it is built in.
struct File {
    path: &'static str,
    media_type: &'static str,
    body: &'static [u8],
}

macro_rules! files {
    ($($media_type:ident: $($name:literal),* ;)*) => {
        &[$($(File {
            path: $name,
            media_type: $media_type,
            body: include_bytes!(concat!("../../../web/checkpoint/", $name)),
        },)*)*]
    };
}

/// The files of `web/checkpoint/`. A test holds the list to the folder.
const OWN: &[File] = files! {
    STYLE: "answer.css", "base.css", "gate.css";
    SCRIPT: "admission.js", "answer.js", "api.js", "awake.js", "boarding-pass.js", "camera.js", "choose.js", "claims.js", "device.js", "digital.js", "dom.js", "follow.js", "frames.js", "gate-parts.js", "gate.js", "hand-scanner.js", "main.js", "recent.js", "scan-worker.js", "scanner.js", "session.js", "shell.js", "shown.js", "sign-in.js", "sound.js", "words.js";
};

/// The words of the page in one language. With them go the words for what a boarding pass and a card differ in, which
/// statements name only.
const WORDS: [(Language, &str, &str); 2] = [
    (Language::Chinese, "words.zh-CN.json", include_str!("../../../web/checkpoint/words.zh-CN.json")),
    (Language::English, "words.en.json", include_str!("../../../web/checkpoint/words.en.json")),
];

/// The reader of bar codes, as its makers build it (`web/vendor/README.md`). A new version gets a new path.
const READER: &[File] = &[
    File {
        path: "zxing-wasm-3.1.4/reader/index.js",
        media_type: SCRIPT,
        body: include_bytes!("../../../web/vendor/zxing-wasm/reader/index.js"),
    },
    File {
        path: "zxing-wasm-3.1.4/share.js",
        media_type: SCRIPT,
        body: include_bytes!("../../../web/vendor/zxing-wasm/share.js"),
    },
    File {
        path: "zxing-wasm-3.1.4/reader/zxing_reader.wasm",
        media_type: WASM,
        body: include_bytes!("../../../web/vendor/zxing-wasm/reader/zxing_reader.wasm"),
    },
];

/// A file as it is served: as it is, and packed for those who take it so. Another body has another tag (RFC 9110 section
/// 8.8.3.3).
struct Served {
    path: &'static str,
    media_type: &'static str,
    seconds: u32,
    plain: Body,
    /// Made when the first one asks for it.
    packed: OnceLock<Option<Body>>,
}

struct Body {
    bytes: Bytes,
    tag: String,
}

impl Body {
    fn new(bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", base64url::encode(&sha256(&bytes)[..16]));
        Self { bytes, tag }
    }
}

static FILES: LazyLock<Vec<Served>> = LazyLock::new(|| {
    let own = OWN.iter().map(|file| served(file.path, file.media_type, MODULE_SECONDS, Bytes::from_static(file.body)));
    let words = WORDS
        .iter()
        .map(|(language, path, own)| served(path, "application/json", MODULE_SECONDS, all_words(*language, own).into()));
    let reader = READER.iter().map(|file| served(file.path, file.media_type, VERSIONED_SECONDS, Bytes::from_static(file.body)));
    own.chain(words).chain(reader).collect()
});

pub(super) fn configure(app: &mut ServiceConfig) {
    for file in FILES.iter() {
        let answer = move |request: HttpRequest| async move { file.answer(&request) };
        app.service(resource(&format!("{FOLDER}{}", file.path), [get(route().to(answer))]));
    }
}

/// The modules that the page itself loads.
pub(super) fn page_modules() -> impl Iterator<Item = &'static str> {
    OWN.iter().filter(|file| file.media_type == SCRIPT && !is_worker(file.path)).map(|file| file.path)
}

fn served(path: &'static str, media_type: &'static str, seconds: u32, plain: Bytes) -> Served {
    Served { path, media_type, seconds, plain: Body::new(plain), packed: OnceLock::new() }
}

impl Served {
    fn packed(&self) -> Option<&Body> {
        self.packed.get_or_init(|| packed(&self.plain.bytes).map(Body::new)).as_ref()
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let packed = if accepts_gzip(request.headers()) { self.packed() } else { None };
        let body = packed.unwrap_or(&self.plain);
        let is_known = has_already(request.headers(), &[&body.tag]);
        let response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        let mut response = document::with_headers(response, &body.tag, self.seconds);
        response.insert_header((header::VARY, "Accept-Encoding"));
        if is_worker(self.path) {
            // A worker goes by the policy of its own answer, not by the page's.
            response.insert_header((header::CONTENT_SECURITY_POLICY, CHECKPOINT_WORKER_POLICY));
        }
        if is_known {
            return response.finish();
        }
        if packed.is_some() {
            response.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
        response.content_type(self.media_type).body(body.bytes.clone())
    }
}

fn is_worker(path: &str) -> bool {
    path.ends_with("-worker.js")
}

fn all_words(language: Language, own: &str) -> Vec<u8> {
    // What is built in reads as texts by name, which a test holds.
    let mut words: BTreeMap<String, String> = serde_json::from_str(own).unwrap_or_default();
    for difference in Difference::ALL {
        let said = match language {
            Language::Chinese => difference.zh_cn(),
            Language::English => difference.en(),
        };
        words.insert(format!("difference-{}", difference.name()), said.to_owned());
    }
    serde_json::to_vec(&words).unwrap_or_default()
}

/// The same as a gzip body (RFC 1952); nothing when it cannot be made, which writing into memory never does. The reader's
/// program is nearly a megabyte; packed, it is less than half of that on a gate's line.
fn packed(body: &[u8]) -> Option<Bytes> {
    let mut gzip = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::default());
    gzip.write_all(body).and_then(|()| gzip.finish()).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, io::Read, path::Path};

    use super::*;
    use crate::model::{reason::ReasonCode, statement::CheckName};

    fn folder(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_nothing_else() {
        let there: BTreeSet<_> = fs::read_dir(folder("web/checkpoint"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
            .filter(|name| name != "page.html")
            .collect();
        let names = OWN.iter().map(|file| file.path).chain(WORDS.iter().map(|(_, name, _)| *name));
        let served: BTreeSet<_> = names.clone().map(str::to_owned).collect();
        assert_eq!(served, there);
        assert_eq!(served.len(), names.count(), "each once");
    }

    fn words(at: usize) -> BTreeMap<String, String> {
        serde_json::from_slice(&all_words(WORDS[at].0, WORDS[at].2)).expect("texts by name")
    }

    #[test]
    fn both_languages_have_the_same_words_with_the_same_places() {
        let (chinese, english) = (words(0), words(1));
        assert!(chinese.keys().eq(english.keys()), "one language has words that the other lacks");
        let places =
            |text: &str| text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect();
        for (name, text) in &chinese {
            let (here, there): (BTreeSet<String>, BTreeSet<String>) = (places(text), places(&english[name]));
            assert_eq!(here, there, "{name}");
            assert!(!text.is_empty() && !english[name].is_empty(), "{name}");
        }
    }

    #[test]
    fn every_name_that_a_statement_may_hold_has_words() {
        let words = words(0);
        let checks = CheckName::ALL.iter().map(|check| format!("check-{}", check.name()));
        let reasons = ReasonCode::ALL.iter();
        let reasons = reasons
            .flat_map(|code| [format!("decision-{}", code.decision().name()), format!("who-{}", code.who_can_fix().name())]);
        let differences = Difference::ALL.iter().map(|difference| format!("difference-{}", difference.name()));
        for name in checks.chain(reasons).chain(differences) {
            assert!(words.contains_key(&name), "{name} has no words");
        }
    }

    #[test]
    fn every_word_that_a_script_names_is_there_and_every_word_is_named() {
        let words = words(0);
        let sources: String = OWN.iter().map(|file| String::from_utf8_lossy(file.body)).collect();
        for call in ["t('", "both('", "inOther('"] {
            for (at, found) in sources.match_indices(call) {
                let before = sources[..at].chars().next_back().unwrap_or(' ');
                let name = sources[at + found.len()..].split('\'').next().unwrap_or_default();
                assert!(before.is_alphanumeric() || words.contains_key(name), "{call}{name}') has no words");
            }
        }
        // Names that are put together end at a place: `decision-${decision}`.
        let put_together: Vec<&str> = sources
            .split('`')
            .filter_map(|text| text.split_once("-${"))
            .map(|(start, _)| start)
            .filter(|start| start.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'))
            .collect();
        for name in words.keys() {
            let is_whole = sources.contains(&format!("'{name}'"));
            let is_part = put_together.iter().any(|start| name.starts_with(&format!("{start}-")));
            assert!(is_whole || is_part, "nothing names {name}");
        }
    }

    #[test]
    fn the_reader_is_the_one_that_its_page_names() {
        let page = fs::read_to_string(folder("web/vendor/README.md")).expect("the page");
        for file in READER {
            let digest: String = sha256(file.body).iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(page.contains(&digest), "{} is not the file whose SHA-256 web/vendor/README.md states", file.path);
        }
    }

    #[test]
    fn what_is_packed_is_the_file() {
        let program = READER.last().expect("the reader's program").body;
        let packed = packed(program).expect("packed");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("a gzip body");
        assert!(unpacked == program && packed.len() * 2 < program.len());
    }
}
