//! What all pages of citizens share: who looks at them, how a template becomes an answer, and its headers.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder,
    dev::Payload,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    web,
};
use askama::Template;
use std::future::{Ready, ready};

use crate::{
    base::{
        base64url,
        secret::Secret,
        time::{Date, Timestamp},
    },
    http::{
        State,
        citizen::cookies::Cookie,
        extract::Params,
        page::Language,
        problem::{Kind, Problem},
    },
    model::{credential_type::Bilingual, person::civil_date},
};

/// Bytes in a secret of ours.
const SECRET_BYTES: usize = 32;

/// Longest address of a page that links repeat.
const MOST_HERE_BYTES: usize = 512;

/// Somebody who looks at a page.
pub(in crate::http) struct Visitor {
    /// The language of the page.
    pub(in crate::http) language: Language,
    browser: Secret<String>,
    is_new_browser: bool,
    session: Option<Secret<String>>,
    token: String,
    /// The address of this page for links to the other language; none where another visit would not show the same.
    here: Option<String>,
    has_chosen_language: bool,
    is_https: bool,
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Visitor {
    /// Who sent this request.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let state = request.app_data::<web::Data<State>>().ok_or(Problem::new(Kind::Internal))?;
        let is_https = state.public_url.starts_with("https://");
        let secret = |cookie: Cookie| {
            let value = cookie.read(request.headers(), is_https)?;
            // What is no secret of ours is replaced, as if there were none.
            base64url::decode_array::<SECRET_BYTES>(value).ok().map(|_| Secret::new(value.to_owned()))
        };
        let known = secret(Cookie::Browser);
        let is_new_browser = known.is_none();
        let browser = known.unwrap_or_else(|| state.sign_ins.browser_secret());
        let asked = Params::parse(request.query_string()).ok().and_then(|mut params| params.take("lang"));
        Ok(Self {
            language: language(asked.as_deref(), request.headers(), is_https),
            token: state.sign_ins.form_token(browser.expose()),
            browser,
            is_new_browser,
            session: secret(Cookie::Session),
            here: (request.method() == Method::GET).then(|| here(request)).flatten(),
            has_chosen_language: asked.is_some(),
            is_https,
        })
    }

    /// The text of a credential type in the language of the page.
    pub(in crate::http) fn text<'a>(&self, text: &'a Bilingual) -> &'a str {
        self.say(&text.zh_cn, &text.en)
    }

    /// The text in the language of the page.
    pub(in crate::http) fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        match self.language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// What every form carries in its hidden field `form`.
    pub(in crate::http) fn token(&self) -> &str {
        &self.token
    }

    /// The secret of the browser, which authorisations are bound to.
    pub(in crate::http) fn browser(&self) -> &Secret<String> {
        &self.browser
    }

    /// The secret of the session that the browser shows, if any; whether there is such a session is another question.
    pub(in crate::http) fn session(&self) -> Option<&Secret<String>> {
        self.session.as_ref()
    }

    /// The address of this page in a language.
    pub(in crate::http) fn here_in(&self, language: &str) -> Option<String> {
        let here = self.here.as_ref()?;
        let joint = if here.contains('?') { '&' } else { '?' };
        Some(format!("{here}{joint}lang={language}"))
    }

    /// A day in China, as people write it.
    pub(in crate::http) fn day(&self, at: Timestamp) -> String {
        civil_date(at).map(|date| self.date(date)).unwrap_or_default()
    }

    /// A date, as people write it.
    pub(in crate::http) fn date(&self, date: Date) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let (year, month, day) = (date.year(), date.month(), date.day());
        match self.language {
            Language::Chinese => format!("{year}年{month}月{day}日"),
            Language::English => {
                let month = MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"");
                format!("{day} {month} {year}")
            }
        }
    }

    /// A day and minute in China, as people write them.
    pub(in crate::http) fn moment(&self, at: Timestamp) -> String {
        let of_day = at.plus_seconds(crate::base::limits::LOCAL_TIME_OFFSET_SECONDS).unix().rem_euclid(24 * 3600);
        format!("{} {:02}:{:02}", self.day(at), of_day / 3600, of_day / 60 % 60)
    }

    /// The page that a template makes.
    pub(in crate::http) fn page(&self, template: &impl Template) -> Result<HttpResponse, Problem> {
        self.page_with(StatusCode::OK, &[], template)
    }

    /// The same with another status, and with places beyond this host that its forms may lead to: browsers check where the
    /// answer to a form sends them on.
    pub(in crate::http) fn page_with(
        &self,
        status: StatusCode,
        leads_to: &[&str],
        template: &impl Template,
    ) -> Result<HttpResponse, Problem> {
        // A template fails only when a value in it does not print.
        let html = template.render().map_err(|_| Problem::new(Kind::Internal))?;
        let places: String = leads_to.iter().map(|place| format!(" {place}")).collect();
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
             form-action 'self'{places}; frame-ancestors 'none'"
        );
        Ok(self
            .answer(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, policy))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .insert_header((header::CONTENT_LANGUAGE, self.language.tag()))
            .body(html))
    }

    /// Sends the browser to a place: by GET, whatever it did here (RFC 9700 section 4.12).
    pub(in crate::http) fn send_to(&self, location: &str) -> HttpResponse {
        self.answer(StatusCode::SEE_OTHER).insert_header((header::LOCATION, location)).finish()
    }

    /// The same, signed in by this secret of a session.
    pub(in crate::http) fn signed_in(&self, mut answer: HttpResponse, secret: &Secret<String>) -> HttpResponse {
        add_cookie(&mut answer, &Cookie::Session.set(secret.expose(), self.is_https));
        answer
    }

    /// The same, signed out.
    pub(in crate::http) fn signed_out(&self, mut answer: HttpResponse) -> HttpResponse {
        add_cookie(&mut answer, &Cookie::Session.removed(self.is_https));
        answer
    }

    /// An answer that begins with what the browser is to keep.
    fn answer(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(status);
        // Browsers that are told no referrer at all send no origin with forms either, which we look at.
        answer.insert_header((header::REFERRER_POLICY, "same-origin"));
        if self.is_new_browser {
            answer.append_header((header::SET_COOKIE, Cookie::Browser.set(self.browser.expose(), self.is_https)));
        }
        if self.has_chosen_language {
            answer.append_header((header::SET_COOKIE, Cookie::Language.set(self.language.tag(), self.is_https)));
        }
        answer
    }
}

fn add_cookie(answer: &mut HttpResponse, line: &str) {
    // Names and values of ours are printable ASCII.
    if let Ok(value) = header::HeaderValue::from_str(line) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// What was asked for by name, else what was chosen before, else what the browser prefers.
fn language(asked: Option<&str>, headers: &HeaderMap, is_https: bool) -> Language {
    let chosen = asked.filter(|asked| matches!(*asked, "zh-CN" | "zh" | "en"));
    Language::chosen(chosen.or_else(|| Cookie::Language.read(headers, is_https)), headers)
}

/// Path and query without the language.
fn here(request: &HttpRequest) -> Option<String> {
    let kept: Vec<&str> =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")).collect();
    let here = if kept.is_empty() { request.path().to_owned() } else { format!("{}?{}", request.path(), kept.join("&")) };
    (here.len() <= MOST_HERE_BYTES && is_local(&here)).then_some(here)
}

/// Whether a text is the address of a page of this host and nothing else: a browser takes `//x` and `/\x` for another host.
pub(in crate::http) fn is_local(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"/-_.~?=&%".contains(&c);
    text.starts_with('/') && !text.starts_with("//") && text.len() <= MOST_HERE_BYTES && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_host_are_led_to() {
        for good in ["/", "/my", "/authorize/67e55044-10b1-426f-9247-bb680e5fe0c8", "/my/cards?x=1&y=%2F"] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "my",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/a\nb",
            "/a#b",
            "/é",
            "javascript:x",
        ] {
            assert!(!is_local(bad), "{bad}");
        }
        assert!(!is_local(&format!("/{}", "a".repeat(MOST_HERE_BYTES))));
    }
}
