//! `yufu.toml`: the same options as the flags, under the same names.

/// What is wrong with a settings file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FileError {
    /// Not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that is no option.
    #[error("unknown key `{key}`{}", .nearest.as_ref().map_or(String::new(), |near| format!("; do you mean `{near}`?")))]
    UnknownKey {
        /// The key.
        key: String,
        /// The option it is probably meant for.
        nearest: Option<String>,
    },
    /// A table, list or the like where one value is due.
    #[error("`{0}` takes one text, number, true or false")]
    NotAValue(String),
}

/// Reads a settings file into pairs of key and value, in the order of their keys. `known` are the options there are.
pub(super) fn pairs(text: &str, known: &[String]) -> Result<Vec<(String, String)>, FileError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| FileError::Syntax(error.to_string()))?;
    table.into_iter().map(|(key, value)| pair(key, value, known)).collect()
}

fn pair(key: String, value: toml::Value, known: &[String]) -> Result<(String, String), FileError> {
    if !known.contains(&key) {
        return Err(FileError::UnknownKey { nearest: nearest(&key, known), key });
    }
    match value {
        toml::Value::String(text) => Ok((key, text)),
        toml::Value::Integer(number) => Ok((key, number.to_string())),
        toml::Value::Boolean(yes) => Ok((key, yes.to_string())),
        _ => Err(FileError::NotAValue(key)),
    }
}

/// The option that is at most three changes away, or that the key is written as with underscores.
fn nearest(key: &str, known: &[String]) -> Option<String> {
    let key = key.to_lowercase().replace('_', "-");
    let near = known.iter().min_by_key(|option| distance(&key, option))?;
    (distance(&key, near) <= 3).then(|| near.clone())
}

/// How many characters must be put in, taken out or exchanged to get from `a` to `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, replaced), removed) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let inserted = next.last().copied().unwrap_or_default() + 1;
            next.push(inserted.min(removed + 1).min(replaced + usize::from(x != *y)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        for (a, b, expected) in
            [("", "", 0), ("listen", "listen", 0), ("lisen", "listen", 1), ("abc", "", 3), ("data", "date", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_option() {
        let known = ["listen".to_owned(), "public-url".to_owned()];
        let error = |text: &str| pairs(text, &known).expect_err("it is refused");
        let unknown =
            |key: &str, near: Option<&str>| FileError::UnknownKey { key: key.to_owned(), nearest: near.map(str::to_owned) };
        assert_eq!(error("lisen = 'x'"), unknown("lisen", Some("listen")));
        assert_eq!(error("public_url = 'x'"), unknown("public_url", Some("public-url")));
        assert_eq!(error("colour = 'x'"), unknown("colour", None));
        assert_eq!(error("[listen]\nx = 1"), FileError::NotAValue("listen".to_owned()));
        assert!(matches!(error("listen = "), FileError::Syntax(_)));
        assert!(matches!(error("listen = 1\nlisten = 2"), FileError::Syntax(_)));
        assert_eq!(unknown("lisen", Some("listen")).to_string(), "unknown key `lisen`; do you mean `listen`?");
    }
}
