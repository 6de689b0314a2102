//! A mail server: SMTP with STARTTLS, TLS and a user, and one mailbox that can be looked into.
//!
//! Its messages come over SMTP; under its prefix are only pages for people. Faults name what they hit
//! by path: `/auth`, `/rcpt` or `/data`.

mod session;
mod smtp;
pub(crate) mod state;

use std::fmt::Write as _;

use axum::http::{Method, StatusCode};

use crate::call::Call;
use crate::credentials::{MAIL_PASSWORD, MAIL_USER};
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::world::World;

pub(crate) use smtp::{Listener, serve};

/// The most messages kept; older ones go.
const MOST_MESSAGES: usize = 500;

/// Answers for the mail server's pages.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("email", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[("user", MAIL_USER), ("password", MAIL_PASSWORD)]
    }

    fn scheme(&self) -> &'static str {
        "smtp"
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        let answer = match (call.method.clone(), call.route().as_slice()) {
            (Method::GET, []) => Some(list(world)),
            (Method::GET, [id]) => id.parse().ok().and_then(|id| message(world, id)),
            _ => None,
        };
        let nothing = || reply::text(StatusCode::NOT_FOUND, "there is no such message\n");
        Ok(answer.unwrap_or_else(nothing))
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = reply::text(StatusCode::TOO_MANY_REQUESTS, "too many requests\n");
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        reply::text(StatusCode::UNAUTHORIZED, "unauthorized\n")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        reply::text(status, "the mail server is out of order\n")
    }

    fn too_large(&self) -> Answer {
        reply::text(StatusCode::PAYLOAD_TOO_LARGE, "too large\n")
    }
}

/// The mailbox, newest first.
fn list(world: &World) -> Answer {
    let text = world.read(|state| {
        let mut text = String::new();
        for message in state.mail.messages.iter().rev() {
            // Writing to a text can't fail.
            let _ = writeln!(
                text,
                "{}  to {}: {}",
                message.id,
                message.to.join(", "),
                message.subject
            );
        }
        text
    });
    reply::text(
        StatusCode::OK,
        if text.is_empty() {
            "the mailbox is empty\n".to_owned()
        } else {
            text
        },
    )
}

fn message(world: &World, id: u64) -> Option<Answer> {
    let data = world.read(|state| {
        let found = state.mail.messages.iter().find(|message| message.id == id);
        found.map(|message| message.data.clone())
    })?;
    Some(reply::text(StatusCode::OK, data))
}
