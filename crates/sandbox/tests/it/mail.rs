//! The mail server over real sockets: bounds, and what its pages show.

use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::rig::Rig;

/// Says these lines, each after an answer; what was answered, by code.
async fn dialogue(rig: &Rig, lines: &[&[u8]]) -> Vec<String> {
    let address = rig
        .sandbox
        .tcp_address(sandbox::Vendor::Mail)
        .expect("a listener");
    let mut stream = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
    let mut codes = Vec::new();
    let mut said = lines.iter();
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).await.unwrap_or(0);
        if read == 0 {
            codes.push("closed".to_owned());
            return codes;
        }
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        codes.push(line.chars().take(3).collect());
        let Some(next) = said.next() else { return codes };
        // A server that has hung up says so when it is read from.
        let _ = stream.get_mut().write_all(next).await;
    }
}

fn sign_in() -> Vec<u8> {
    use base64::Engine as _;
    let pair = format!("\0{}\0{}", sandbox::MAIL_USER, sandbox::MAIL_PASSWORD);
    format!(
        "AUTH PLAIN {}\r\n",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
    .into_bytes()
}

#[tokio::test]
async fn a_message_is_taken_and_shown() {
    let rig = Rig::start().await;
    let page = async |path: &str| {
        let answer = rig.bare(Method::GET, path).send().await.expect("an answer");
        answer.text().await.expect("a text")
    };
    assert!(page("/mail").await.contains("empty"));
    let content = b"Subject: Room 4A\r\n\r\n..dots\r\n<script>x</script>\r\n.\r\n";
    let lines: &[&[u8]] = &[
        b"EHLO x\r\n",
        &sign_in(),
        b"MAIL FROM:<a@b.example>\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"DATA\r\n",
        content,
        b"QUIT\r\n",
    ];
    let codes = dialogue(&rig, lines).await;
    assert_eq!(codes, ["220", "250", "235", "250", "250", "354", "250", "221"]);
    let list = page("/mail").await;
    assert!(list.contains("to c@d.example: Room 4A"), "{list}");
    let id = list.split(' ').next().expect("an id");
    let answer = rig
        .bare(Method::GET, &format!("/mail/{id}"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        crate::rig::header(&answer, "content-type"),
        "text/plain; charset=utf-8"
    );
    let shown = answer.text().await.expect("a text");
    assert!(shown.contains("\r\n.dots\r\n"), "{shown}");
    assert!(page("/mail/999").await.contains("no such message"));
}

#[tokio::test]
async fn lines_and_messages_have_an_end() {
    let rig = Rig::start().await;
    let long = [b'x'; 5_000];
    assert_eq!(dialogue(&rig, &[&long]).await, ["220", "closed"]);
    let mut huge = vec![b'x'; 3 << 20];
    huge.extend_from_slice(b"\r\n.\r\n");
    let lines: &[&[u8]] = &[
        b"EHLO x\r\n",
        &sign_in(),
        b"MAIL FROM:<a@b.example>\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"DATA\r\n",
        &huge,
    ];
    let codes = dialogue(&rig, lines).await;
    assert!(
        matches!(codes.last().map(String::as_str), Some("552" | "closed")),
        "{codes:?}"
    );
    assert_eq!(rig.sandbox.state()["mail"]["messages"], serde_json::json!([]));
}

#[tokio::test]
async fn it_stops_with_the_sandbox() {
    let rig = Rig::start().await;
    let address = rig
        .sandbox
        .tcp_address(sandbox::Vendor::Mail)
        .expect("a listener");
    assert_eq!(dialogue(&rig, &[b"NOOP\r\n"]).await, ["220", "250"]);
    rig.sandbox.shutdown().await;
    let gone = async || TcpStream::connect(address).await.is_err();
    crate::rig::until_async(gone).await;
}
