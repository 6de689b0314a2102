//! One SMTP session as a machine without a network: lines go in, replies come out (RFC 5321, 4954).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::credentials::{MAIL_PASSWORD, MAIL_USER};

/// The most receivers of one message.
const MOST_RECEIVERS: usize = 100;
/// Whoever writes to an address that begins like this is told that there is no such mailbox.
const NOBODY: &str = "nobody@";

/// What the network has to do after a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Send this reply.
    Say(&'static str),
    /// Send what is offered.
    Offer,
    /// Send this reply, then encrypt.
    Encrypt(&'static str),
    /// Ask the faults of this path, and without one send this reply.
    Ask(&'static str, &'static str),
    /// Read the content up to a line with a dot, then ask the faults.
    Content,
    /// Send this reply and hang up.
    Leave(&'static str),
}

/// A message's envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) to: Vec<String>,
}

/// Where a session stands.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Whether STARTTLS can be had.
    pub(super) can_encrypt: bool,
    pub(super) encrypted: bool,
    greeted: bool,
    known: bool,
    login: Login,
    envelope: Option<Envelope>,
}

/// How far `AUTH LOGIN` has come.
#[derive(Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    No,
    User,
    Password(bool),
}

const SYNTAX: Step = Step::Say("501 5.5.4 syntax error in parameters");
const ORDER: Step = Step::Say("503 5.5.1 bad sequence of commands");

impl Session {
    /// Before the greeting.
    pub(super) fn new(can_encrypt: bool, encrypted: bool) -> Self {
        Session {
            can_encrypt,
            encrypted,
            ..Session::default()
        }
    }

    /// Takes a line without its end.
    pub(super) fn line(&mut self, line: &str) -> Step {
        match std::mem::take(&mut self.login) {
            Login::No => {}
            Login::User => {
                self.login = Login::Password(decoded(line).as_deref() == Some(MAIL_USER));
                return Step::Say("334 UGFzc3dvcmQ6");
            }
            Login::Password(user) => {
                return self.judge(user && decoded(line).as_deref() == Some(MAIL_PASSWORD));
            }
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if rest.trim().is_empty() => SYNTAX,
            "EHLO" => {
                (self.greeted, self.envelope) = (true, None);
                Step::Offer
            }
            "HELO" => {
                (self.greeted, self.envelope) = (true, None);
                Step::Say("250 sandbox.example")
            }
            "STARTTLS" if self.can_encrypt && !self.encrypted => {
                *self = Session::new(true, true);
                Step::Encrypt("220 2.0.0 ready to start TLS")
            }
            "AUTH" if self.greeted && !self.known => self.auth(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.receiver(rest),
            "DATA" => match &self.envelope {
                Some(envelope) if !envelope.to.is_empty() => Step::Content,
                _ => ORDER,
            },
            "RSET" => {
                self.envelope = None;
                Step::Say("250 2.0.0 ok")
            }
            "NOOP" => Step::Say("250 2.0.0 ok"),
            "QUIT" => Step::Leave("221 2.0.0 bye"),
            "AUTH" | "STARTTLS" => ORDER,
            _ => Step::Say("502 5.5.1 command not implemented"),
        }
    }

    /// The envelope of the message whose content has come.
    pub(super) fn finish(&mut self) -> Envelope {
        self.envelope.take().unwrap_or_default()
    }

    fn auth(&mut self, rest: &str) -> Step {
        let (way, first) = rest.split_once(' ').unwrap_or((rest, ""));
        match way.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let parts = decoded(first).unwrap_or_default();
                let parts: Vec<&str> = parts.split('\0').collect();
                self.judge(parts.len() == 3 && parts[1] == MAIL_USER && parts[2] == MAIL_PASSWORD)
            }
            "LOGIN" => {
                self.login = Login::User;
                Step::Say("334 VXNlcm5hbWU6")
            }
            _ => Step::Say("504 5.5.4 mechanism not known"),
        }
    }

    fn judge(&mut self, right: bool) -> Step {
        self.known = right;
        if right {
            Step::Ask("/auth", "235 2.7.0 authentication successful")
        } else {
            Step::Say("535 5.7.8 authentication credentials invalid")
        }
    }

    fn mail(&mut self, rest: &str) -> Step {
        if !self.greeted || self.envelope.is_some() {
            return ORDER;
        }
        if !self.known {
            return Step::Say("530 5.7.0 authentication required");
        }
        let Some(from) = path(rest, "FROM:") else {
            return SYNTAX;
        };
        self.envelope = Some(Envelope { from, to: Vec::new() });
        Step::Say("250 2.1.0 ok")
    }

    fn receiver(&mut self, rest: &str) -> Step {
        let Some(envelope) = &mut self.envelope else {
            return ORDER;
        };
        let Some(to) = path(rest, "TO:").filter(|to| to.contains('@')) else {
            return SYNTAX;
        };
        if to.starts_with(NOBODY) {
            return Step::Say("550 5.1.1 no such mailbox");
        }
        if envelope.to.len() >= MOST_RECEIVERS {
            return Step::Say("452 4.5.3 too many recipients");
        }
        envelope.to.push(to);
        Step::Ask("/rcpt", "250 2.1.5 ok")
    }
}

/// The address between angle brackets after `MAIL FROM:` or `RCPT TO:`; parameters may follow.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _) = rest[keyword.len()..]
        .trim_start()
        .strip_prefix('<')?
        .split_once('>')?;
    let plain = |c: char| c.is_ascii_graphic() && c != '<';
    address.chars().all(plain).then(|| address.to_owned())
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[(&str, &str)]) {
        let mut session = Session::new(true, false);
        for (line, expected) in lines {
            let said = match session.line(line) {
                Step::Say(said) | Step::Encrypt(said) | Step::Ask(_, said) | Step::Leave(said) => {
                    said.to_owned()
                }
                Step::Offer => "offer".to_owned(),
                Step::Content => format!("content for {:?}", session.finish()),
            };
            assert!(said.starts_with(expected), "{line}: {said}");
        }
    }

    #[test]
    fn a_message_needs_a_greeting_a_user_and_a_receiver() {
        let plain = format!(
            "AUTH PLAIN {}",
            STANDARD.encode(format!("\0{MAIL_USER}\0{MAIL_PASSWORD}"))
        );
        let (user, password) = (STANDARD.encode(MAIL_USER), STANDARD.encode(MAIL_PASSWORD));
        check(&[
            ("MAIL FROM:<a@b.example>", "503"),
            ("AUTH PLAIN x", "503"),
            ("EHLO", "501"),
            ("ehlo x", "offer"),
            ("MAIL FROM:<a@b.example>", "530"),
            ("AUTH PLAIN AGEAYg==", "535"),
            ("AUTH CRAM-MD5", "504"),
            ("STARTTLS", "220"),
            ("MAIL FROM:<a@b.example>", "503"),
            ("EHLO x", "offer"),
            ("STARTTLS", "503"),
            (&plain, "235"),
            (&plain, "503"),
            ("RCPT TO:<a@b.example>", "503"),
            ("DATA", "503"),
            ("MAIL FROM:a@b.example", "501"),
            ("MAIL FROM:<a@b.example> SIZE=5", "250"),
            ("MAIL FROM:<>", "503"),
            ("DATA", "503"),
            ("RCPT TO:<nobody@b.example>", "550"),
            ("RCPT TO:<b>", "501"),
            ("RCPT TO:<b@c.example>", "250"),
            (
                "DATA",
                "content for Envelope { from: \"a@b.example\", to: [\"b@c.example\"] }",
            ),
            ("RSET", "250"),
            ("VRFY x", "502"),
            ("", "502"),
            ("QUIT", "221"),
        ]);
        check(&[
            ("EHLO x", "offer"),
            ("AUTH LOGIN", "334"),
            (&user, "334"),
            ("x", "535"),
            ("AUTH LOGIN", "334"),
            (&user, "334"),
            (&password, "235"),
        ]);
    }
}
