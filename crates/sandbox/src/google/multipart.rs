//! `multipart/related` bodies (RFC 2387): metadata as JSON, then the content.

use serde_json::{Map, Value};

/// The two parts of an upload.
pub(super) struct Upload {
    pub(super) metadata: Map<String, Value>,
    pub(super) content_type: String,
    pub(super) content: Vec<u8>,
}

/// Reads a body; `None` if it isn't two parts of which the first is a JSON object.
pub(super) fn read(content_type: &str, body: &[u8]) -> Option<Upload> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    let boundary = parameters
        .split(';')
        .find_map(|part| part.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let parts = parts(body, boundary)?;
    let [first, second] = parts.as_slice() else {
        return None;
    };
    let ((_, metadata), (headers, content)) = (split(first)?, split(second)?);
    let content_type = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-type")
            .then(|| value.trim().to_owned())
    });
    Some(Upload {
        metadata: serde_json::from_slice(metadata).ok()?,
        content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        content: content.to_vec(),
    })
}

/// What lies between the lines of the boundary; `None` without a last one.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body.get(find(body, mark.as_bytes())? + mark.len()..)?;
    while !rest.starts_with(b"--") {
        let end = find(rest, mark.as_bytes())?;
        let part = &rest[..end];
        let part = part
            .strip_prefix(b"\r\n")
            .or(part.strip_prefix(b"\n"))
            .unwrap_or(part);
        parts.push(
            part.strip_suffix(b"\r\n")
                .or(part.strip_suffix(b"\n"))
                .unwrap_or(part),
        );
        rest = &rest[end + mark.len()..];
        if parts.len() > 2 {
            return None;
        }
    }
    Some(parts)
}

/// Headers and content of a part.
fn split(part: &[u8]) -> Option<(&str, &[u8])> {
    // The first empty line ends the headers, however it is written; the content may hold others.
    let crlf = find(part, b"\r\n\r\n").map(|at| (at, 4));
    let lf = find(part, b"\n\n").map(|at| (at, 2));
    let (at, gap) = crlf.into_iter().chain(lf).min()?;
    Some((std::str::from_utf8(&part[..at]).ok()?, &part[at + gap..]))
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_are_read_as_any_client_writes_them() {
        for (kind, body) in [
            (
                "multipart/related; boundary=b",
                "--b\r\nContent-Type: application/json\r\n\r\n{\"name\":\"a\"}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n\r\ny\r\n--b--\r\n",
            ),
            (
                "multipart/related; boundary=\"b\"",
                "--b\nContent-Type: application/json\nMIME-Version: 1.0\n\n{\"name\":\"a\"}\n--b\ncontent-type: text/plain\n\nx\r\n\r\ny\n--b--",
            ),
        ] {
            let upload = read(kind, body.as_bytes()).expect("two parts");
            assert_eq!(upload.metadata["name"], "a");
            assert_eq!(
                (upload.content_type.as_str(), upload.content.as_slice()),
                ("text/plain", &b"x\r\n\r\ny"[..])
            );
        }
        for (kind, body) in [
            ("multipart/form-data; boundary=b", "--b\n\n{}\n--b\n\nx\n--b--"),
            ("multipart/related", "--b\n\n{}\n--b\n\nx\n--b--"),
            ("multipart/related; boundary=", "----"),
            ("multipart/related; boundary=b", "--b\n\n{}\n--b--"),
            ("multipart/related; boundary=b", "--b\n\n{}\n--b\n\nx"),
            ("multipart/related; boundary=b", "--b\n\n[]\n--b\n\nx\n--b--"),
            ("multipart/related; boundary=b", ""),
        ] {
            assert!(read(kind, body.as_bytes()).is_none(), "{kind} {body}");
        }
    }
}
