//! The checkpoint page: what an officer at a gate works with, in the browser of a phone, a tablet or a desk.
//!
//! The page is the same for everyone and holds no secret; what it shows it gets from the checkpoint API with the token
//! that the officer signs in with. Its scripts are modules as they stand in `web/checkpoint/`, built by nothing.

use std::{collections::BTreeMap, io::Write, sync::LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web::{Bytes, ServiceConfig, route},
};
use flate2::{Compression, write::GzEncoder};

use crate::{
    http::{
        document,
        extract::Params,
        headers::{CHECKPOINT_PAGE_POLICY, CHECKPOINT_WORKER_POLICY, accepts_gzip},
        page::{Language, fill},
        route::{get, resource},
    },
    verification::boarding::Difference,
};

const PAGE: &str = include_str!("../../../web/checkpoint/page.html");

/// Where the files of the page are served.
const FOLDER: &str = "/assets/checkpoint/";

/// The page may use the camera; nobody else, and nothing but the camera.
const PERMISSIONS: (HeaderName, &str) =
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()");

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

static ALL_WORDS: LazyLock<Vec<Bytes>> =
    LazyLock::new(|| WORDS.iter().map(|(language, _, own)| all_words(*language, own)).collect());

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

/// The reader's program is nearly a megabyte; packed, it is less than half of that on a gate's line.
static PACKED_READER: LazyLock<Vec<Option<Bytes>>> = LazyLock::new(|| READER.iter().map(|file| packed(file.body)).collect());

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/checkpoint", [get(route().to(page))]));
    for file in OWN {
        let answer = move |request: HttpRequest| async move { own(&request, file) };
        app.service(resource(&format!("{FOLDER}{}", file.path), [get(route().to(answer))]));
    }
    for (at, (_, name, _)) in WORDS.iter().enumerate() {
        let answer = move |request: HttpRequest| async move {
            document::stored(&request, "application/json", ALL_WORDS[at].clone(), MODULE_SECONDS)
        };
        app.service(resource(&format!("{FOLDER}{name}"), [get(route().to(answer))]));
    }
    for (at, file) in READER.iter().enumerate() {
        let answer = move |request: HttpRequest| async move { reader(&request, at) };
        app.service(resource(&format!("{FOLDER}{}", file.path), [get(route().to(answer))]));
    }
}

async fn page(request: HttpRequest) -> HttpResponse {
    let asked = Params::parse(request.query_string()).ok().and_then(|mut params| params.take("lang"));
    let language = Language::chosen(asked.as_deref(), request.headers());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CHECKPOINT_PAGE_POLICY))
        .insert_header(PERMISSIONS)
        .insert_header((header::CONTENT_LANGUAGE, language.tag()))
        .insert_header((header::VARY, "Accept-Language"))
        .body(filled(language))
}

fn filled(language: Language) -> String {
    let title = match language {
        Language::Chinese => "查验点 · 鱼符",
        Language::English => "Checkpoint · yufu",
    };
    let texts = |name: &str| match name {
        "lang" => Some(language.tag().to_owned()),
        "title" => Some(title.to_owned()),
        _ => None,
    };
    let modules: String = OWN
        .iter()
        .filter(|file| file.media_type == SCRIPT && !is_worker(file))
        .map(|file| format!("<link rel=\"modulepreload\" href=\"{FOLDER}{}\">\n", file.path))
        .collect();
    fill(PAGE, &texts, &[("modules", modules.trim_end())])
}

fn all_words(language: Language, own: &str) -> Bytes {
    // What is built in reads as texts by name, which a test holds.
    let mut words: BTreeMap<String, String> = serde_json::from_str(own).unwrap_or_default();
    for difference in Difference::ALL {
        let said = match language {
            Language::Chinese => difference.zh_cn(),
            Language::English => difference.en(),
        };
        words.insert(format!("difference-{}", difference.name()), said.to_owned());
    }
    serde_json::to_vec(&words).unwrap_or_default().into()
}

fn own(request: &HttpRequest, file: &File) -> HttpResponse {
    let mut response = document::stored(request, file.media_type, Bytes::from_static(file.body), MODULE_SECONDS);
    if is_worker(file) {
        // A worker goes by the policy of its own answer, not by the page's.
        let policy = header::HeaderValue::from_static(CHECKPOINT_WORKER_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn is_worker(file: &File) -> bool {
    file.path.ends_with("-worker.js")
}

fn reader(request: &HttpRequest, at: usize) -> HttpResponse {
    let file = &READER[at];
    let packed = PACKED_READER.get(at).cloned().flatten().filter(|_| accepts_gzip(request.headers()));
    let is_packed = packed.is_some();
    let body = packed.unwrap_or_else(|| Bytes::from_static(file.body));
    let mut response = document::stored(request, file.media_type, body, VERSIONED_SECONDS);
    let headers = response.headers_mut();
    headers.insert(header::VARY, header::HeaderValue::from_static("Accept-Encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

/// The same as a gzip body (RFC 1952); nothing when it cannot be made, which writing into memory never does.
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
        serde_json::from_slice(&ALL_WORDS[at]).expect("texts by name")
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
    fn the_page_has_no_script_or_style_of_its_own_and_loads_from_here_only() {
        for language in [Language::Chinese, Language::English] {
            let page = filled(language);
            assert!(page.contains(&format!("lang=\"{}\"", language.tag())) && !page.contains("{{"), "{page}");
            assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"), "{page}");
            for (_, rest) in page.match_indices("<script").map(|(at, found)| page.split_at(at + found.len())) {
                assert!(rest.starts_with(" type=\"module\" src=\"/assets/checkpoint/"), "{rest}");
            }
            assert!(!page.contains("://"), "nothing from elsewhere");
        }
    }

    #[test]
    fn the_reader_is_the_one_that_its_page_names() {
        let page = fs::read_to_string(folder("web/vendor/README.md")).expect("the page");
        for file in READER {
            let digest: String = crate::crypto::sha256(file.body).iter().map(|byte| format!("{byte:02x}")).collect();
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
