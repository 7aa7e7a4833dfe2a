//! A citizen's browser for tests.

use std::collections::BTreeMap;

use super::{Answer, TestService, User};

/// A browser: it keeps cookies and fills in forms.
pub struct Browser {
    pub user: User,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A new one, without cookies.
    pub fn new(service: &TestService) -> Self {
        Self { user: service.anon(), cookies: BTreeMap::new() }
    }

    /// Sends a request with the cookies it has, and keeps those that come.
    pub fn send(&mut self, method: &str, path: &str, form: Option<&str>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("cookie", cookies.as_str()), ("accept-language", "en")];
        headers.extend(form.map(|_| ("content-type", "application/x-www-form-urlencoded")));
        let answer = self.user.send(method, path, &headers, form.unwrap_or_default().as_bytes());
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            assert!(line.contains("; Path=/; HttpOnly; SameSite=Lax"), "{line}");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Looks at a path.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// The text of a page that is shown.
    pub fn page(&mut self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        let text = answer.text();
        assert!(!text.contains("<script") && !text.contains(" style="), "{path} works without scripts and styles of its own");
        text
    }

    /// Sends the form of a page to a path, with these fields.
    pub fn post(&mut self, page: &str, path: &str, fields: &str) -> Answer {
        let text = self.get(page).text();
        let token = between(&text, "name=\"form\" value=\"", "\"").unwrap_or_else(|| panic!("a form on {page}: {text}"));
        let form = format!("form={token}&{fields}");
        self.send("POST", path, Some(&form))
    }
}

/// What stands between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
