//! The checkpoint page: what an officer at a gate works with, in the browser of a phone, a tablet or a desk.
//!
//! The page is the same for everyone and holds no secret; what it shows it gets from the checkpoint API with the token
//! that the officer signs in with. Its scripts are modules as they stand in `web/checkpoint/`, built by nothing.

use std::{io::Write, sync::LazyLock};

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
    model::reason::Message,
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
const JSON: &str = "application/json";
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
    STYLE: "base.css";
    SCRIPT: "main.js", "scan-worker.js";
    JSON: "words.en.json", "words.zh-CN.json";
};

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
    let title = Message { zh_cn: "查验点 · 鱼符".to_owned(), en: "Checkpoint · yufu".to_owned() };
    let texts = |name: &str| match (name, language) {
        ("lang", language) => Some(language.tag().to_owned()),
        ("title", Language::Chinese) => Some(title.zh_cn.clone()),
        ("title", Language::English) => Some(title.en.clone()),
        _ => None,
    };
    let modules: String = OWN
        .iter()
        .filter(|file| file.media_type == SCRIPT && !is_worker(file))
        .map(|file| format!("<link rel=\"modulepreload\" href=\"{FOLDER}{}\">\n", file.path))
        .collect();
    fill(PAGE, &texts, &[("modules", modules.trim_end())])
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
        let served: BTreeSet<_> = OWN.iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(served, there);
        assert_eq!(served.len(), OWN.len(), "each once");
    }

    #[test]
    fn both_languages_have_the_same_words_and_every_one_that_a_script_names_is_there() {
        let words = |name: &str| -> std::collections::BTreeMap<String, String> {
            let file = OWN.iter().find(|file| file.path == name).expect("it is served");
            serde_json::from_slice(file.body).expect("texts by name")
        };
        let (chinese, english) = (words("words.zh-CN.json"), words("words.en.json"));
        assert!(chinese.keys().eq(english.keys()), "one language has words that the other lacks");
        for file in OWN.iter().filter(|file| file.media_type == SCRIPT) {
            let source = std::str::from_utf8(file.body).expect("text");
            for (_, rest) in source.match_indices("t('").map(|(at, found)| source.split_at(at + found.len())) {
                let name = rest.split('\'').next().unwrap_or_default();
                let whole = rest[name.len()..].starts_with("')") || rest[name.len()..].starts_with("',");
                assert!(!whole || chinese.contains_key(name), "{} says {name:?}, which has no words", file.path);
            }
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
