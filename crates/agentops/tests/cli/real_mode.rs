//! Real mode: where tools live, which addresses may be reached, and where secrets go. The vendor is
//! a listener on loopback that writes down what it hears, or a sandbox that knows nothing of the folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::rig::{Folder, ended};

const TOKEN: &str = "xoxb-for-the-first-place";
/// What the vendor tells of every token.
const WHO: &str = r#"{"ok": true, "team": "AV", "team_id": "T1", "user": "bot", "user_id": "U1"}"#;

/// A vendor that answers everything in the same way.
struct Vendor {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::downgrade(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // The test is over: whoever is here only wakes the listener.
                let Some(heard) = shared.upgrade() else { return };
                if let Some(head) = stream.ok().and_then(|stream| answer(&stream)) {
                    heard.lock().expect("what was heard").push(head);
                }
            }
        });
        Self { address, heard }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests so far, in lower case.
    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("what was heard").clone()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.heard = Arc::default();
        // It may have ended by itself.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads one request, answers it, and gives back its head; `None` if the other side has hung up.
fn answer(mut stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().expect("a length"));
    reader.read_exact(&mut vec![0; length]).ok()?;
    let length = WHO.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{WHO}"
    )
    .ok()?;
    Some(head)
}

fn places(folder: &Folder, places: &Value) {
    folder.ok(&["setting", "set", "tools.base_urls", &places.to_string()]);
}

fn secret(folder: &Folder, name: &str, value: &str, more: &[&str]) {
    let args = [&["secret", "set", name], more].concat();
    let set = ended(folder.command(&args).write_stdin(value));
    assert_eq!(set.code, 0, "{set:?}");
}

/// A folder whose Slack lives at the vendor, with its token.
fn with_slack(vendor: &Vendor, private: &Value) -> Folder {
    let folder = Folder::seeded();
    places(&folder, &json!({"slack": vendor.url()}));
    secret(&folder, "slack.token", TOKEN, &[]);
    folder.ok(&["setting", "set", "tools.private", &private.to_string()]);
    folder
}

/// A read in real mode that must succeed: what the tool told.
fn told(folder: &Folder, action: &[&str]) -> Value {
    let done = folder.json(0, &[&["tool", "call", "--mode", "real"], action].concat());
    done["run"]["outputs"]["result"].clone()
}

/// A read in real mode that must fail with this code: its failure.
fn fails(folder: &Folder, code: &str, action: &[&str]) -> Value {
    let done = folder.json(5, &[&["tool", "call", "--mode", "real"], action].concat());
    let failure = &done["run"]["failure"];
    assert_eq!(failure["code"], code, "{done:#}");
    failure.clone()
}

#[test]
fn a_tool_is_called_where_it_lives_and_with_its_own_token() {
    let vendor = Vendor::open();
    let folder = with_slack(&vendor, &json!(["slack"]));
    assert_eq!(told(&folder, &["slack.auth_test"])["user_id"], "U1");
    let heard = vendor.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].starts_with("post /api/auth.test "), "{heard:?}");
    assert!(
        heard[0].contains(&format!("authorization: bearer {TOKEN}\r\n")),
        "{heard:?}"
    );
    let health = folder.ok(&["tool", "health", "slack", "--mode", "real"]);
    assert!(health.contains("signed in as bot in AV"), "{health}");
}

#[test]
fn a_private_address_is_reached_only_by_tools_that_may() {
    let vendor = Vendor::open();
    for private in [json!([]), json!(["zoom"])] {
        let folder = with_slack(&vendor, &private);
        let failure = fails(&folder, "address_refused", &["slack.auth_test"]);
        assert!(failure["hint"].to_string().contains("tools.private"), "{failure}");
        let port = vendor.address.port();
        places(&folder, &json!({"slack": format!("http://localhost:{port}")}));
        secret(&folder, "slack.token", TOKEN, &[]);
        fails(&folder, "address_refused", &["slack.auth_test"]);
    }
    assert_eq!(vendor.heard(), [""; 0]);
}

#[test]
fn no_setting_opens_a_metadata_address() {
    let vendor = Vendor::open();
    let folder = with_slack(&vendor, &json!(["slack"]));
    for never in ["http://169.254.169.254", "http://[::ffff:169.254.169.254]"] {
        places(&folder, &json!({"slack": never}));
        secret(&folder, "slack.token", TOKEN, &[]);
        let failure = fails(&folder, "address_refused", &["slack.auth_test"]);
        assert!(failure["hint"].to_string().contains("no setting"), "{failure}");
    }
}

#[test]
fn a_secret_follows_no_tool_to_another_place() {
    let (first, second) = (Vendor::open(), Vendor::open());
    let folder = with_slack(&first, &json!(["slack"]));
    places(&folder, &json!({"slack": second.url()}));
    let failure = fails(&folder, "secret_origin_mismatch", &["slack.auth_test"]);
    let message = failure["message"].as_str().expect("a message");
    assert!(
        message.contains(&first.url()) && message.contains(&second.url()),
        "{message}"
    );
    assert!(!failure.to_string().contains(TOKEN), "{failure}");
    assert_eq!((first.heard(), second.heard()), (Vec::new(), Vec::new()));

    secret(&folder, "slack.token", "xoxb-for-the-second-place", &[]);
    told(&folder, &["slack.auth_test"]);
    assert_eq!(first.heard(), [""; 0]);
    assert!(
        second.heard()[0].contains("bearer xoxb-for-the-second-place\r\n"),
        "{:?}",
        second.heard()
    );
    // Back at the first place, the new secret isn't sent there either.
    places(&folder, &json!({"slack": first.url()}));
    fails(&folder, "secret_origin_mismatch", &["slack.auth_test"]);
    assert_eq!(first.heard(), [""; 0]);
}

#[test]
fn without_a_place_or_a_secret_nothing_is_sent() {
    let vendor = Vendor::open();
    let folder = with_slack(&vendor, &json!(["slack", "servicenow"]));
    folder.ok(&["secret", "remove", "slack.token"]);
    let failure = fails(&folder, "tool_not_configured", &["slack.auth_test"]);
    let hint = failure["hint"].as_str().expect("a hint");
    assert!(
        hint.contains("secret set slack.token") && hint.contains(&vendor.url()),
        "{hint}"
    );
    let find = &["servicenow.find_incidents"];
    let failure = fails(&folder, "tool_not_configured", find);
    assert!(
        failure["hint"].to_string().contains("tools.base_urls"),
        "{failure}"
    );
    places(&folder, &json!({"servicenow": vendor.url()}));
    let failure = fails(&folder, "tool_not_configured", find);
    assert!(
        failure["message"].to_string().contains("servicenow.user"),
        "{failure}"
    );
    assert_eq!(vendor.heard(), [""; 0]);
}

#[test]
fn zooms_secrets_are_for_the_place_of_its_tokens() {
    let folder = Folder::seeded();
    let fields = ["zoom.account_id", "zoom.client_id", "zoom.client_secret"];
    for name in fields {
        secret(&folder, name, "a-long-secret-of-zoom", &[]);
    }
    let list = folder.json(0, &["secret", "list"]);
    let origins: Vec<&Value> = list
        .as_array()
        .expect("secrets")
        .iter()
        .map(|one| &one["origin"])
        .collect();
    assert_eq!(origins, ["https://zoom.us"; 3]);
    for name in fields {
        let api = ["--origin", "https://api.zoom.us"];
        secret(&folder, name, "a-long-secret-of-zoom", &api);
    }
    let failure = fails(&folder, "secret_origin_mismatch", &["zoom.list_rooms"]);
    let message = failure["message"].as_str().expect("a message");
    assert!(
        message.contains("https://api.zoom.us") && message.contains("https://zoom.us now"),
        "{message}"
    );
}

#[test]
fn another_sandbox_is_a_vendor_like_any_other() {
    let elsewhere = Folder::empty();
    let sandbox = elsewhere.stays(&["sandbox", "--listen", "127.0.0.1:0", "--json"]);
    let vendors = &sandbox.document["vendors"];
    let folder = Folder::seeded();
    places(
        &folder,
        &json!({"zoom": vendors["zoom"], "servicenow": vendors["servicenow"]}),
    );
    folder.ok(&["setting", "set", "tools.private", r#"["zoom", "servicenow"]"#]);
    for (name, value) in [
        ("zoom.account_id", sandbox::ZOOM_ACCOUNT_ID),
        ("zoom.client_id", sandbox::ZOOM_CLIENT_ID),
        ("zoom.client_secret", sandbox::ZOOM_CLIENT_SECRET),
        ("servicenow.user", sandbox::SERVICENOW_USER),
        ("servicenow.password", sandbox::SERVICENOW_PASSWORD),
    ] {
        secret(&folder, name, value, &[]);
    }
    let find = &["zoom.find_room", "--arg", "query=Boardroom 4A"];
    assert_eq!(told(&folder, find)["id"], "ZR-101");
    let incidents = told(&folder, &["servicenow.find_incidents"]);
    assert!(incidents["incidents"].is_array(), "{incidents}");
    secret(&folder, "zoom.client_secret", "another-long-secret", &[]);
    // Another process has no token yet, so it signs in anew.
    fails(&folder, "credentials_refused", find);
    // An API key goes before user and password.
    secret(&folder, "servicenow.api_key", "a-wrong-long-key", &[]);
    fails(&folder, "credentials_refused", &["servicenow.find_incidents"]);
    secret(&folder, "servicenow.api_key", sandbox::SERVICENOW_API_KEY, &[]);
    told(&folder, &["servicenow.find_incidents"]);
}

#[test]
fn a_tool_without_a_stand_in_says_so_in_mock_mode() {
    let folder = Folder::seeded();
    let manifest = json!({"name": "lamps", "description": "Lamps.", "actions": {
        "get": {"description": "Reads a lamp.", "parameters": {"id": "string"}, "effect": "read"}
    }});
    let file = folder.file("lamps.json", manifest.to_string());
    folder.ok(&["tool", "add", &file]);
    let done = folder.json(5, &["tool", "call", "lamps.get", "--arg", "id=1"]);
    let failure = &done["run"]["failure"];
    assert_eq!(failure["code"], "tool_not_configured", "{done:#}");
    let hint = failure["hint"].as_str().expect("a hint");
    assert!(hint.contains("--mode real"), "{hint}");
}
