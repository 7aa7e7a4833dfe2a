//! Bearer tokens (RFC 6750 section 2.1): in the header `Authorization`, once, and nowhere else.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::{
    crypto::sha256,
    http::problem::{Kind, Problem},
};

/// Longest token that is looked at, in bytes: an operator's has 48, a wallet's access token is a JWT of under 1 kB.
const TOKEN_BYTES: usize = 4096;

/// SHA-256 of the token that the headers show: what the log knows of it.
pub(super) fn hash_of_token(headers: &HeaderMap) -> Result<[u8; 32], Problem> {
    token(headers)?.map(sha256).ok_or(Problem::new(Kind::Unauthenticated))
}

/// The token as sent; none when there is no header of the kind. A header twice is refused: two readers could see two
/// callers.
fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only.to_str().map_err(|_| Problem::new(Kind::InvalidToken))?,
        _ => return Err(Kind::InvalidToken.into()),
    };
    let Some((scheme, token)) = value.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    // token68 of RFC 9110 section 11.2.
    let is_token68 = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    if token.is_empty() || token.len() > TOKEN_BYTES || !token.bytes().all(is_token68) {
        return Err(Kind::InvalidToken.into());
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(values: &[&str]) -> Result<Option<String>, Kind> {
        let request = values.iter().fold(TestRequest::get(), |request, value| request.append_header((AUTHORIZATION, *value)));
        let request = request.to_http_request();
        token(request.headers()).map(|token| token.map(str::to_owned)).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_token_is_shown_once_and_in_one_form() {
        assert_eq!(shown(&["Bearer yufu_abc-_"]), Ok(Some("yufu_abc-_".to_owned())));
        assert_eq!(shown(&["bearer x"]), Ok(Some("x".to_owned())));
        for none in [vec![], vec!["Basic eDp5"], vec!["Bearer"], vec![""]] {
            assert_eq!(shown(&none), Ok(None), "{none:?}");
        }
        let long = format!("Bearer {}", "a".repeat(TOKEN_BYTES + 1));
        for bad in [
            vec!["Bearer "],
            vec!["Bearer  x"],
            vec!["Bearer x y"],
            vec!["Bearer a", "Bearer a"],
            vec!["Bearer \"x\""],
            vec![&long],
        ] {
            assert_eq!(shown(&bad), Err(Kind::InvalidToken), "{bad:?}");
        }
    }
}
