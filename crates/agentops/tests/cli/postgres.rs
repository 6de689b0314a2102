//! The command line on a throw-away PostgreSQL: alone, beside servers, with two servers, and while the
//! database is away.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use runtime::system::Stopwatch;
use testkit::cluster::{Cluster, Flush, Identity};

use crate::rig::{Folder, WAITS};

/// How long something may take to be noticed.
const PATIENCE: Duration = Duration::from_secs(90);

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Flush::Never).expect("a cluster"));

/// A data folder that names a database.
fn on(database: &str, node: &str) -> Folder {
    let folder = Folder::empty();
    let text = format!(
        "[database]\nurl = \"{database}\"\nnode = \"{node}\"\n[runtime]\nlease_s = 1\npoll_ms = 20\n"
    );
    folder.file("agentops.toml", text);
    folder
}

/// The status and body of a page.
fn get(server: &str, path: &str) -> (u16, String) {
    let address = server.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer)
}

/// Looks until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !so() {
        assert!(watch.elapsed() < PATIENCE, "{what} takes too long");
        std::thread::yield_now();
    }
}

#[test]
fn commands_work_on_postgres_as_on_a_file() {
    let folder = on(&CLUSTER.database().expect("a database"), "one");
    folder.refused(8, "data_not_initialised", &["run", "list"]);
    let made = folder.json(0, &["init"]);
    assert_eq!(made["database"]["made"], true, "{made}");
    assert_eq!(folder.json(0, &["init"])["database"]["made"], false);
    assert!(!folder.path("agentops.db").exists(), "nothing is kept in a file");
    let watched = folder.run(&[
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Training Room 1",
        "--watch",
    ]);
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(folder.newest()["run"]["status"], "succeeded");
}

#[test]
fn an_address_that_can_not_be_used_is_named_without_its_password() {
    let folder = on("postgres://ann:hunter2secret@127.0.0.1:1/x", "one");
    let error = folder.refused(8, "database_unreachable", &["init"]);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let folder = on("postgres://ann:hunter2secret@:nothing", "one");
    let error = folder.refused(2, "config_invalid", &["run", "list"]);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("database.url")),
        "{error}"
    );
}

#[test]
fn a_database_is_believed_by_the_configured_authority_only() {
    let signed = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("signed");
    let (shown, other) = (signed("127.0.0.1"), signed("127.0.0.1"));
    let identity = Identity {
        certificate: shown.cert.pem(),
        key: shown.signing_key.serialize_pem(),
    };
    let cluster = Cluster::start_on_port(Flush::Never, Some(&identity)).expect("a cluster");
    let (port, name) = (
        cluster.port().expect("it listens"),
        cluster.new_database().expect("a database"),
    );
    let folder = Folder::empty();
    let right = folder.file("right.pem", shown.cert.pem());
    let wrong = folder.file("wrong.pem", other.cert.pem());
    let url = format!("postgres://postgres:hunter2secret@127.0.0.1:{port}/{name}");
    let configured = |ca_file: &str| {
        folder.file(
            "agentops.toml",
            format!("[database]\nurl = \"{url}\"\nca_file = \"{ca_file}\"\n"),
        );
    };
    let refused = |code: i32, name: &str, said: &str| {
        let error = folder.refused(code, name, &["init"]);
        let told = error.to_string();
        assert!(told.contains(said) && told.contains("database.ca_file"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    };
    configured(&wrong);
    refused(8, "database_unreachable", "signed by no authority");
    configured("/nowhere/ca.pem");
    refused(2, "config_invalid", "/nowhere/ca.pem");
    configured(&right);
    folder.ok(&["init"]);
    // Without the file the machine's list counts, which may be another one.
    folder.file("agentops.toml", "");
    let asks = format!("{url}?sslmode=require");
    for (list, code) in [(&right, 0), (&wrong, 8)] {
        let mut command = folder.command(&["run", "list", "--database", &asks]);
        command.env("SSL_CERT_FILE", list).env_remove("SSL_CERT_DIR");
        command.assert().code(code);
    }
    configured(&right);
    let server = folder.serve();
    let address = server.document["address"].as_str().expect("an address");
    assert_eq!(get(address, "/readyz").0, 200);
}

#[test]
fn a_server_takes_over_what_another_one_left() {
    let database = CLUSTER.database().expect("a database");
    let (first, second) = (on(&database, "first"), on(&database, "second"));
    first.ok(&["init"]);
    let error = second.refused(8, "secret_key_wrong", &["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("copy secret.key")),
        "{error}"
    );
    std::fs::copy(first.path("secret.key"), second.path("secret.key")).expect("copied");
    let file = first.file("waits.yaml", WAITS);
    first.ok(&["recipe", "save", &file, "--activate"]);
    let mut of_first = first.serve();
    first.refused(7, "node_in_use", &["serve", "--listen", "127.0.0.1:0"]);
    let _of_second = second.serve();
    let started = second.ok(&["run", "start", "waits", "-i", "colour=red"]);
    assert!(started.contains("handed to the server"), "{started}");
    of_first.kill();
    let id = second.newest()["run"]["run"].as_str().expect("an id").to_owned();
    until("the run to wait", || {
        second.newest()["run"]["status"] == "waiting"
    });
    second.ok(&["run", "task", &id, "act/tidy", "done"]);
    until("the task to be done", || {
        let show = second.json(0, &["run", "show", &id]);
        let steps = show["steps"].as_array().expect("steps").clone();
        steps
            .iter()
            .any(|step| step["step"] == "act/tidy" && step["status"] == "succeeded")
    });
}

#[test]
fn a_server_says_that_its_database_is_away_and_goes_on_when_it_is_back() {
    let cluster = Cluster::start(Flush::Always).expect("a cluster of its own");
    let folder = on(&cluster.database().expect("a database"), "one");
    folder.ok(&["init"]);
    let server = folder.serve();
    let address = server.document["address"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert_eq!(get(&address, "/readyz").0, 200);
    cluster.stop().expect("stopped");
    until("the outage to be noticed", || get(&address, "/readyz").0 == 503);
    let (_, page) = get(&address, "/readyz");
    assert!(page.contains("database"), "{page}");
    assert_eq!(get(&address, "/healthz").0, 200, "the process itself is well");
    folder.refused(8, "database_unreachable", &["run", "list"]);
    cluster.begin().expect("started again");
    until("the database to be back", || get(&address, "/readyz").0 == 200);
    let watched = folder.run(&[
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Training Room 1",
        "--watch",
    ]);
    assert_eq!(watched.code, 0, "{watched:?}");
}
