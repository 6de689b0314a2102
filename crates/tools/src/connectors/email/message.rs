//! A message as it goes over the wire: addresses read strictly, headers encoded, so that no argument
//! can become a header or another receiver.

use std::time::{Duration, SystemTime};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message as Mail, MultiPart, SinglePart};
use serde_json::Value;
use types::{Digest, Timestamp};

use crate::arguments::{invalid, text};
use crate::{CallContext, CallError};

/// The most receivers of one message.
const MOST_RECEIVERS: usize = 50;
/// The domain of our Message-IDs. It needs to be nobody's, for the part before it is unique.
const ID_DOMAIN: &str = "agentops.invalid";

/// A message ready to be sent.
#[derive(Debug)]
pub(super) struct Message {
    /// Its Message-ID, with angle brackets.
    pub(super) id: String,
    /// The address it comes from.
    pub(super) from: String,
    /// Every receiver's address.
    pub(super) to: Vec<String>,
    /// Headers and body, with CRLF.
    pub(super) bytes: Vec<u8>,
}

/// Builds the message of a call. It is the same for every attempt.
///
/// # Errors
/// `arguments_invalid`.
pub(super) fn build(ctx: &CallContext, args: &Value, from: &str) -> Result<Message, CallError> {
    compose(args, from, &ctx.key, ctx.now())
}

fn compose(args: &Value, from: &str, key: &str, now: Timestamp) -> Result<Message, CallError> {
    let from = mailbox(from)?;
    let to = mailboxes(text(args, "to").unwrap_or_default())?;
    let copies = text(args, "cc").map(mailboxes).transpose()?.unwrap_or_default();
    if to.is_empty() {
        return Err(invalid("an e-mail needs somebody to go to"));
    }
    if to.len() + copies.len() > MOST_RECEIVERS {
        return Err(invalid(format!(
            "an e-mail goes to {MOST_RECEIVERS} people at most"
        )));
    }
    let digest = Digest::of_bytes(key.as_bytes());
    let mark = &digest.as_str()[..32];
    let id = format!("<{mark}@{ID_DOMAIN}>");
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let mut builder = Mail::builder()
        .from(from.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(id.clone()))
        .subject(subject(args));
    for receiver in &to {
        builder = builder.to(receiver.clone());
    }
    for receiver in &copies {
        builder = builder.cc(receiver.clone());
    }
    let words = text(args, "text").unwrap_or_default().to_owned();
    let built = match text(args, "html") {
        None => builder.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(words)),
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .boundary(format!("agentops-{mark}"))
                .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(words))
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_HTML)
                        .body(html.to_owned()),
                ),
        ),
    };
    let built = built.map_err(|error| invalid(format!("the e-mail can't be written: {error}")))?;
    Ok(Message {
        id,
        from: from.email.to_string(),
        to: to
            .iter()
            .chain(&copies)
            .map(|receiver| receiver.email.to_string())
            .collect(),
        bytes: built.formatted(),
    })
}

/// The subject on one line; without one the first line of the text, as in the short form of recipes.
fn subject(args: &Value) -> String {
    let said = text(args, "subject").filter(|subject| !subject.trim().is_empty());
    let first_line = || {
        text(args, "text")
            .unwrap_or_default()
            .lines()
            .find(|line| !line.trim().is_empty())
    };
    let line = said.or_else(first_line).unwrap_or("(no subject)");
    let line = crate::plain_text::one_line(line);
    crate::plain_text::first(&line, 200).0
}

/// Receivers, separated by commas outside quotation marks.
fn mailboxes(list: &str) -> Result<Vec<Mailbox>, CallError> {
    let mut quoted = false;
    let parts = list.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(mailbox)
        .collect()
}

fn mailbox(text: &str) -> Result<Mailbox, CallError> {
    let shown = crate::http::clip(text);
    if text.chars().any(char::is_control) {
        return Err(invalid(format!(
            "'{shown}' is not an e-mail address: it holds a control character"
        )));
    }
    let read: Mailbox = text
        .trim()
        .parse()
        .map_err(|error| invalid(format!("'{shown}' is not an e-mail address: {error}")))?;
    if !read.email.to_string().is_ascii() {
        // Few servers take such addresses (RFC 6531), and to guess another spelling would be wrong.
        return Err(invalid(format!(
            "'{shown}' holds signs that mail servers don't take; write the domain as xn--…"
        )));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn composed(args: Value) -> Result<(Message, String), String> {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let message = compose(&args, "AV <av@a.example>", "run/step[1]", now)
            .map_err(|error| error.failure().code.clone())?;
        let text = String::from_utf8(message.bytes.clone()).expect("ASCII");
        Ok((message, text))
    }

    fn headers(text: &str) -> &str {
        text.split("\r\n\r\n").next().unwrap_or_default()
    }

    #[test]
    fn a_message_is_the_same_for_every_attempt() {
        let args = json!({"to": "ann@a.example, \"Bob, B.\" <bob@b.example>", "cc": "c@c.example",
            "subject": "Räume", "text": "Hello\n.\nSchöne Grüße", "html": "<p>Hello"});
        let (message, text) = composed(args.clone()).expect("a message");
        assert_eq!(message.to, ["ann@a.example", "bob@b.example", "c@c.example"]);
        assert_eq!(message.from, "av@a.example");
        assert_eq!(composed(args).expect("a message").1, text);
        let headers = headers(&text);
        assert!(
            headers.contains(&format!("Message-ID: {}", message.id)),
            "{headers}"
        );
        assert!(headers.contains("Date: Tue, 14 Nov 2023 22:13:20"), "{headers}");
        assert!(headers.contains("Subject: =?utf-8?b?"), "{headers}");
        assert!(text.is_ascii());
    }

    #[test]
    fn no_argument_becomes_a_header_or_a_receiver() {
        for subject in [
            "a\r\nBcc: evil@e.example",
            "a\nBcc: evil@e.example",
            "a\r\n\r\nbody",
            "a\u{2028}Bcc: x",
            "a\0b",
        ] {
            let (message, text) =
                composed(json!({"to": "ann@a.example", "subject": subject, "text": "t"})).expect(subject);
            assert_eq!(message.to, ["ann@a.example"]);
            let found = headers(&text)
                .lines()
                .any(|line| line.to_lowercase().starts_with("bcc"));
            assert!(!found, "{text}");
            assert_eq!(text.matches("\r\n\r\n").count(), 1, "{text}");
        }
        for to in [
            "ann@a.example\r\nRCPT TO:<evil@e.example>",
            "ann@a.example>\r\nDATA",
            "ann@a.example, \"b\n\" <b@b.example>",
            "\"a\r\nBcc: x\" <ann@a.example>",
            "ann",
            "<ann@a.example",
            "ann@a.example evil@e.example",
            "änn@a.example",
            "",
            " , ",
        ] {
            let got = composed(json!({"to": to, "subject": "s", "text": "t"}));
            assert_eq!(
                got.map(|(message, _)| message.to),
                Err("arguments_invalid".to_owned()),
                "{to:?}"
            );
        }
        let (_, text) =
            composed(json!({"to": "a@a.example", "subject": "s", "text": "x\r\nBcc: y\r\n\r\nz"}))
                .expect("a body");
        assert!(!headers(&text).contains("Bcc"), "{text}");
    }

    #[test]
    fn the_first_line_stands_for_a_subject_and_crowds_are_refused() {
        let (_, text) =
            composed(json!({"to": "a@a.example", "text": "\n Room is back \nmore"})).expect("a message");
        assert!(headers(&text).contains("Subject: Room is back"), "{text}");
        let crowd = vec!["a@a.example"; MOST_RECEIVERS + 1].join(",");
        assert!(composed(json!({"to": crowd, "text": "t"})).is_err());
    }
}
