//! The languages a wallet prefers, and metadata with the display of those only (OpenID4VCI 1.0 section 12.2.2).

use serde_json::Value;

/// Those of `known` that an `Accept-Language` header takes, the most wanted first (RFC 9110 section 12.5.4). Empty when it
/// takes none of them, or any at all: then nothing is left out, and the wallet chooses.
pub fn wanted<'a>(accept_language: &str, known: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<(u16, &str)> = Vec::new();
    for range in accept_language.split(',') {
        let (tag, weight) = weighted(range);
        let of_range = known.iter().filter(|language| weight > 0 && takes(tag, language));
        for language in of_range {
            match found.iter_mut().find(|(_, already)| already == language) {
                Some((known_weight, _)) => *known_weight = weight.max(*known_weight),
                None => found.push((weight, language)),
            }
        }
    }
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.into_iter().map(|(_, language)| language).collect()
}

/// Whether a range of one header value names this media type with more weight than `than` (RFC 9110 section 12.5.1). A range
/// with a wildcard names nothing here: who takes anything gets what everybody gets.
pub fn prefers(accept: &str, media_type: &str, than: &str) -> bool {
    let weight_of = |media_type: &str| {
        let ranges = accept.split(',').map(weighted);
        ranges.filter(|(range, _)| range.eq_ignore_ascii_case(media_type)).map(|(_, weight)| weight).max().unwrap_or(0)
    };
    weight_of(media_type) > weight_of(than)
}

/// Leaves out of every `display` the entries in other languages, and puts the most wanted first. An entry without `locale`
/// stays; a `display` that would be left empty stays as it is, for a name in another language is better than none.
pub fn keep(document: &mut Value, languages: &[&str]) {
    match document {
        Value::Object(members) => {
            if let Some(Value::Array(display)) = members.get_mut("display") {
                keep_entries(display, languages);
            }
            members.values_mut().for_each(|member| keep(member, languages));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| keep(element, languages)),
        _ => {}
    }
}

fn keep_entries(display: &mut Vec<Value>, languages: &[&str]) {
    let place = |entry: &Value| match entry.get("locale").and_then(Value::as_str) {
        None => Some(usize::MAX),
        Some(locale) => languages.iter().position(|language| *language == locale),
    };
    if display.iter().any(|entry| place(entry).is_some()) {
        display.retain(|entry| place(entry).is_some());
        display.sort_by_key(place);
    }
}

/// A range with its weight in thousandths; a weight that is none counts as nothing.
fn weighted(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = weight.map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
    // Clamped first, so that the number fits; NaN becomes 0.
    (name, (weight.clamp(0.0, 1.0) * 1000.0) as u16)
}

/// Whether a language range takes a language: the same tag, a longer tag of one that the range begins, or the same primary
/// language, since each is here in one form only (RFC 4647 section 3.4 looks up the other way round, and would find nothing
/// for `zh`).
fn takes(range: &str, language: &str) -> bool {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    !range.is_empty() && primary(range) == primary(language)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 2] = ["zh-CN", "en"];

    #[test]
    fn the_languages_of_a_header_come_in_the_order_they_are_wanted() {
        for (header, expected) in [
            ("", &[][..]),
            ("fr, de;q=0.5", &[]),
            ("*", &[]),
            ("en", &["en"]),
            ("en-GB,en;q=0.9", &["en"]),
            ("zh", &["zh-CN"]),
            ("zh-Hant-TW", &["zh-CN"]),
            ("en;q=0.3, zh-CN;q=0.8", &["zh-CN", "en"]),
            ("en, zh", &["en", "zh-CN"]),
            ("fr, EN;q=0.2", &["en"]),
            ("zh;q=0, en", &["en"]),
            ("en;q=x, zh;q=0.1", &["zh-CN"]),
            ("en;q=NaN", &[]),
            ("en;q=0.5, zh;q=0.4, en-US;q=0.1", &["en", "zh-CN"]),
        ] {
            assert_eq!(wanted(header, &KNOWN), expected, "{header}");
        }
    }

    #[test]
    fn a_media_type_is_preferred_by_name_and_weight() {
        let jwt = |accept| prefers(accept, "application/jwt", "application/json");
        for yes in
            ["application/jwt", "application/jwt, application/json;q=0.9", "APPLICATION/JWT;q=0.1", "application/jwt, */*"]
        {
            assert!(jwt(yes), "{yes}");
        }
        for no in ["", "*/*", "application/json", "application/json, application/jwt", "application/jwt;q=0", "application/*"] {
            assert!(!jwt(no), "{no}");
        }
    }

    #[test]
    fn other_languages_are_left_out_at_every_depth_and_nothing_becomes_nameless() {
        let names = |locales: &[&str]| -> Value { locales.iter().map(|l| json!({"locale": l, "name": "x"})).collect() };
        let document =
            |display: &Value| json!({"display": display, "a": {"claims": [{"display": display, "path": ["display"]}]}});
        let all = names(&["zh-CN", "en"]);
        for (languages, kept) in [
            (&["en"][..], names(&["en"])),
            (&["en", "zh-CN"], names(&["en", "zh-CN"])),
            (&["zh-CN"], names(&["zh-CN"])),
            (&["fr"], all.clone()),
        ] {
            let mut read = document(&all);
            keep(&mut read, languages);
            assert_eq!(read, document(&kept), "{languages:?}");
        }
        let mut without = json!({"display": [{"locale": "zh-CN", "name": "x"}, {"name": "y"}]});
        keep(&mut without, &["en"]);
        assert_eq!(without, json!({"display": [{"name": "y"}]}));
    }
}
