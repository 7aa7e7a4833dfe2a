//! HTTP/1.1 as bytes (RFC 9112), as far as the client that measures needs it.

use crate::outbound::Request;

/// The bytes of a request for `path` at `authority`; none when a header or the path holds what would end its line.
pub(super) fn write_request(request: &Request, path: &str, authority: &str) -> Option<Vec<u8>> {
    let bad = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
    if bad(path) || path.contains(' ') || request.headers.iter().any(|(name, value)| bad(name) || bad(value)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(256 + request.body.len());
    let mut put = |parts: &[&str]| parts.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    put(&[request.method, " ", path, " HTTP/1.1\r\nhost: ", authority, "\r\n"]);
    for (name, value) in &request.headers {
        put(&[name, ": ", value, "\r\n"]);
    }
    if !request.body.is_empty() || request.method != "GET" {
        put(&["content-length: ", &request.body.len().to_string(), "\r\n"]);
    }
    put(&["\r\n"]);
    bytes.extend_from_slice(&request.body);
    Some(bytes)
}

/// What stands before the body of an answer.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Without parameters, lower case.
    pub(super) content_type: String,
    /// Bytes of the body, unless it comes in chunks.
    pub(super) body_bytes: u64,
    pub(super) chunked: bool,
    /// Whether the other side ends the connection after it.
    pub(super) closes: bool,
    /// Bytes of the head itself.
    pub(super) length: usize,
}

impl Head {
    /// The head at the beginning of `bytes`; none while it is not whole. An answer that says nothing of its length has no
    /// body here (RFC 9112 section 6.3 would read it to the end of the connection).
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or(())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).ok_or(())?;
        let mut head = Self {
            status,
            content_type: String::new(),
            body_bytes: 0,
            chunked: false,
            closes: false,
            length: end.saturating_add(4),
        };
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(())?;
            let value = value.trim();
            match name {
                _ if name.eq_ignore_ascii_case("content-length") => head.body_bytes = value.parse().map_err(|_| ())?,
                _ if name.eq_ignore_ascii_case("transfer-encoding") => head.chunked = value.eq_ignore_ascii_case("chunked"),
                _ if name.eq_ignore_ascii_case("connection") => head.closes = value.eq_ignore_ascii_case("close"),
                _ if name.eq_ignore_ascii_case("content-type") => {
                    head.content_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                }
                _ => {}
            }
        }
        Ok(Some(head))
    }
}

/// The body whose chunks begin at `bytes` (RFC 9112 section 7.1), without trailers; none while it is not whole.
pub(super) fn chunked_body(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, ()> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let line = bytes.get(..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(())?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).map_err(|_| ())?;
        bytes = bytes.get(end + 2..).unwrap_or_default();
        let Some(whole) = bytes.get(..size.checked_add(2).ok_or(())?) else { return Ok(None) };
        let (chunk, after) = whole.split_at(size);
        if after != b"\r\n" {
            return Err(());
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        bytes = bytes.get(size + 2..).unwrap_or_default();
    }
}
