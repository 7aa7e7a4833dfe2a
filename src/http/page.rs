//! Pages: a template, words in the visitor's language, and a few values, all escaped.

use std::collections::BTreeMap;

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// The languages of the pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// The language tag (BCP 47).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// What was asked for by name, else what the browser prefers, else Chinese.
    pub(super) fn chosen(asked: Option<&str>, headers: &HeaderMap) -> Self {
        match asked {
            Some("zh-CN" | "zh") => Self::Chinese,
            Some("en") => Self::English,
            _ => Self::preferred(headers),
        }
    }

    /// The first of the two languages by weight (RFC 9110 section 12.5.4), by order where weights are equal.
    fn preferred(headers: &HeaderMap) -> Self {
        let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Self::Chinese);
        for range in header.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(0.0);
            let language = match tag.trim().split('-').next() {
                Some(primary) if primary.eq_ignore_ascii_case("zh") => Self::Chinese,
                Some(primary) if primary.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// Words by name, as a file in `web/` gives them for one language.
pub(super) type Words = BTreeMap<String, String>;

/// Fills `{{name}}` in a template. Texts are escaped; `markup` is put in as it is and made of escaped parts only. A name
/// that nobody gives a value is left out, which a test over the real pages excludes.
pub(super) fn fill(template: &str, texts: &dyn Fn(&str) -> Option<String>, markup: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, tail)| Some((before, tail.split_once("}}")?)))
    {
        page.push_str(before);
        match markup.iter().find(|(known, _)| *known == name) {
            Some((_, markup)) => page.push_str(markup),
            None => page.push_str(&escaped(&texts(name).unwrap_or_default())),
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Text as HTML shows it, inside elements and quoted attributes alike.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_language_is_the_one_asked_for_or_preferred() {
        let chosen = |asked: Option<&str>, header: &str| {
            Language::chosen(asked, TestRequest::get().insert_header((ACCEPT_LANGUAGE, header)).to_http_request().headers())
        };
        assert_eq!(chosen(Some("en"), "zh-CN"), Language::English);
        assert_eq!(chosen(Some("zh-CN"), "en"), Language::Chinese);
        for english in ["en", "en-GB,zh;q=0.5", "fr, en;q=0.3", "zh;q=0.1, EN;q=0.2"] {
            assert_eq!(chosen(None, english), Language::English, "{english}");
        }
        for chinese in ["", "fr", "zh-TW", "zh,en", "en;q=0", "en;q=x"] {
            assert_eq!(chosen(None, chinese), Language::Chinese, "{chinese}");
        }
        assert_eq!(chosen(Some("<script>"), ""), Language::Chinese);
    }

    #[test]
    fn texts_are_escaped_and_markup_is_not() {
        let texts = |name: &str| (name == "x").then(|| "<a href=\"'&\">".to_owned());
        assert_eq!(fill("1{{x}}2{{y}}3{{m}}4{{", &texts, &[("m", "<b>")]), "1&lt;a href=&quot;&#39;&amp;&quot;&gt;23<b>4{{");
    }
}
