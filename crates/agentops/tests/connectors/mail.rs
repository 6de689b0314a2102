//! E-mail against the sandbox's mail server: encryption, refusals, and what nobody can know.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use async_trait::async_trait;
use governance::Permit;
use sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};
use tools::{Credentials, Endpoint, Endpoints, Options, Registry, Secret};
use types::{CallLimit, Failure, Idempotency, Mode, TenantId};

use crate::rig::{Rig, told};

fn letter() -> Value {
    json!({"to": "ann@a.example", "text": "The room is back."})
}

fn messages(rig: &Rig) -> Vec<Value> {
    rig.sandbox.state()["mail"]["messages"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// A registry whose mail server is at this address.
fn registry(rig: &Rig, base_url: &str, ca_pem: Option<&str>, password: &str) -> Registry {
    struct At(Endpoint);

    #[async_trait]
    impl Endpoints for At {
        async fn endpoint(&self, _: TenantId, _: &str, _: Mode) -> Result<Endpoint, Failure> {
            Ok(self.0.clone())
        }
    }

    let endpoint = Endpoint {
        base_url: base_url.to_owned(),
        credentials: Credentials::Basic {
            user: sandbox::MAIL_USER.to_owned(),
            password: Secret::new(password),
        },
        ca_pem: ca_pem.map(str::to_owned),
        allow_private: true,
    };
    Registry::new(Options {
        clock: rig.clock.clone(),
        endpoints: Arc::new(At(endpoint)),
        sink: rig.sink.clone(),
        desk: rig.desk.clone(),
        http_tools: Vec::new(),
        extra: Vec::new(),
    })
}

async fn send_by(rig: &Rig, registry: &Registry) -> String {
    use ports::Tools as _;
    let permit: Permit = rig.permit("k", "email.send", &letter());
    told(&registry.perform(permit, rig.call(&letter(), 5_000)).await)
}

#[tokio::test]
async fn a_certificate_is_believed_only_from_its_authority_and_for_its_name() {
    let rig = Rig::start(true).await;
    let (plain, encrypted) = (
        rig.sandbox.base_url(Vendor::Mail),
        rig.sandbox.smtps_url().expect("TLS").to_owned(),
    );
    let ca = rig.sandbox.ca_pem().map(str::to_owned);
    let right = sandbox::MAIL_PASSWORD;
    for (url, ca, expected, secured) in [
        // With an authority of its own even a server on this machine is asked to encrypt.
        (plain.clone(), ca.as_deref(), "ok", true),
        (plain.replace("127.0.0.1", "localhost"), ca.as_deref(), "ok", true),
        (plain, None, "ok", false),
        (encrypted.clone(), ca.as_deref(), "ok", true),
        (encrypted.clone(), None, "retry tool_unreachable", false),
        (
            encrypted.replace("smtps", "https"),
            ca.as_deref(),
            "failed tool_misconfigured",
            false,
        ),
    ] {
        let before = messages(&rig).len();
        let registry = registry(&rig, &url, ca, right);
        assert_eq!(send_by(&rig, &registry).await, expected, "{url}");
        match messages(&rig).get(before) {
            Some(message) => assert_eq!(
                (expected, &message["encrypted"]),
                ("ok", &json!(secured)),
                "{url}"
            ),
            None => assert_ne!(expected, "ok"),
        }
    }
    let wrong = registry(&rig, &encrypted, ca.as_deref(), "wrong");
    let outcome = send_by(&rig, &wrong).await;
    assert_eq!(outcome, "failed credentials_refused");
}

#[tokio::test]
async fn what_the_server_refuses_is_known_not_to_have_been_sent() {
    let rig = Rig::start(false).await;
    let nobody = json!({"to": "ann@a.example, nobody@a.example", "text": "x"});
    let outcome = rig.perform("k", "email.send", &nobody).await;
    assert_eq!(told(&outcome), "failed tool_refused");
    assert!(format!("{outcome:?}").contains("nobody@a.example"), "{outcome:?}");
    for (kind, path, expected) in [
        (
            FaultKind::RateLimit { retry_after_s: 1 },
            "/rcpt",
            "retry tool_refused after 60000",
        ),
        (
            FaultKind::RateLimit { retry_after_s: 1 },
            "/data",
            "retry tool_refused after 60000",
        ),
        (
            FaultKind::ServerError { status: 500 },
            "/rcpt",
            "failed tool_refused",
        ),
        (
            FaultKind::ServerError { status: 500 },
            "/data",
            "failed tool_refused",
        ),
        (FaultKind::ExpiredToken, "/auth", "failed credentials_refused"),
        (FaultKind::LostAnswer, "/auth", "retry tool_unreachable"),
        (FaultKind::LostAnswer, "/rcpt", "retry tool_unreachable"),
        (FaultKind::Rubbish, "/rcpt", "retry answer_unreadable"),
    ] {
        rig.faults(vec![Fault::new(Vendor::Mail, kind).on(path).times(1)]);
        let outcome = rig.perform("k", "email.send", &letter()).await;
        assert_eq!(told(&outcome), expected, "{kind:?} {path}");
        assert_eq!(messages(&rig).len(), 0, "{kind:?} {path}");
    }
    rig.faults(Vec::new());
    assert_eq!(told(&rig.perform("k", "email.send", &letter()).await), "ok");
}

#[tokio::test]
async fn a_message_that_may_have_been_taken_is_sent_again_under_the_same_id() {
    let rig = Rig::start(false).await;
    assert_eq!(rig.spec("email.send").idempotency, Idempotency::Unkeyed);
    assert!(
        rig.spec("email.send").notification,
        "what is in doubt is sent again"
    );
    for (kind, expected) in [
        (FaultKind::LostAnswer, "unknown tool_unreachable"),
        (FaultKind::Rubbish, "unknown answer_unreadable"),
    ] {
        let before = messages(&rig).len();
        rig.faults(vec![Fault::new(Vendor::Mail, kind).on("/data").times(1)]);
        assert_eq!(told(&rig.perform("k", "email.send", &letter()).await), expected);
        assert_eq!(told(&rig.perform("k", "email.send", &letter()).await), "ok");
        let all = messages(&rig);
        assert_eq!(all.len(), before + 2, "nobody could tell that it had arrived");
        assert_eq!(all[before]["message_id"], all[before + 1]["message_id"]);
    }
    rig.faults(vec![
        Fault::new(Vendor::Mail, FaultKind::Timeout).on("/data").times(1),
    ]);
    let outcome = rig.perform_within("k", "email.send", &letter(), 3_000).await;
    assert_eq!(told(&outcome), "unknown call_timed_out");
}

/// A server that says these lines, one after each line that it hears, and then the last one for ever.
fn odd_server(lines: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else {
            return;
        };
        let Ok(copy) = stream.try_clone() else { return };
        let mut heard = BufReader::new(copy).lines();
        let Some((last, first)) = lines.split_last() else {
            return;
        };
        for line in first {
            if stream.write_all(line.as_bytes()).is_err() || heard.next().is_none() {
                return;
            }
        }
        while stream.write_all(last.as_bytes()).is_ok() {}
    });
    url
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_not_believed() {
    let rig = Rig::start(false).await;
    const HELLO: &str = "220 odd.example\r\n";
    for (lines, expected) in [
        (&["HTTP/1.1 400 Bad Request\r\n"][..], "retry answer_unreadable"),
        (&["220-never\r\n"], "retry answer_unreadable"),
        (
            &["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
            "retry answer_unreadable",
        ),
        (&["554 go away\r\n"], "failed tool_refused"),
        (&["421 later\r\n"], "retry tool_refused after 60000"),
        (&[HELLO, "250 odd.example\r\n"], "failed credentials_refused"),
        (
            &[
                HELLO,
                "250-odd.example\r\n250 AUTH PLAIN\r\n",
                "235 in\r\n",
                "250 ok\r\n",
                "999 what\r\n",
            ],
            "retry answer_unreadable",
        ),
        (
            &[
                HELLO,
                "250-odd.example\r\n250 AUTH PLAIN\r\n",
                "235 in\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
            ],
            "failed answer_unreadable",
        ),
    ] {
        let registry = registry(&rig, &odd_server(lines), None, sandbox::MAIL_PASSWORD);
        let limit = CallLimit {
            failures: Some(100),
            ..CallLimit::default()
        };
        registry.set_limits([("email".to_owned(), limit)].into());
        assert_eq!(send_by(&rig, &registry).await, expected, "{lines:?}");
    }
}
