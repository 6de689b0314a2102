//! Commands beside a server: they ask it, under the name that they are given, and leave the database
//! alone; what stands in `server.json` is believed only if a server answers to it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::rig::{BINARY, Ended, Folder, WAITS, ended};
use crate::site::{PASSWORD, Site};

/// A recipe that needs nobody, and takes its time.
const NAPS: &str = "name: Naps\nintake: []\nplan: []\nact:\n  - id: nap\n    wait: 2h\nverify: []\n";

/// A folder in which nothing lies but the file that tells where the site's server is.
fn elsewhere(site: &Site, change: impl FnOnce(&mut Value)) -> Folder {
    let file = std::fs::read(site.folder.path("server.json")).expect("the file");
    let mut file: Value = serde_json::from_slice(&file).expect("JSON");
    change(&mut file);
    let folder = Folder::empty();
    folder.file("server.json", file.to_string());
    folder
}

fn with_input(folder: &Folder, args: &[&str], input: &str) -> Ended {
    ended(folder.command(args).write_stdin(input.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_beside_a_server_asks_it_and_opens_no_database() {
    let site = Site::open().await;
    let folder = elsewhere(&site, |_| {});
    let recipes = tempfile::tempdir().expect("a folder");
    let file = recipes.path().join("waits.yaml");
    std::fs::write(&file, WAITS).expect("writes");
    let file = file.to_str().expect("UTF-8");
    folder.ok(&["recipe", "check", file]);
    folder.ok(&["recipe", "save", file, "--activate"]);
    let started = folder.ok(&["run", "start", "waits", "-i", "colour=red", "--as", "Jürgen"]);
    assert!(started.contains("handed to the server"), "{started}");

    let seen = site.admin.get("/api/v1/runs").await.ok(200);
    assert_eq!(seen["items"][0]["requester"], "Jürgen", "{seen}");
    let run = seen["items"][0]["run"].as_str().expect("an id");
    assert_eq!(
        folder.json(6, &["run", "watch", run])["asks"][0]["text"],
        "Tidy the room"
    );
    // It waits, so it looks the same to both.
    let waiting = site.admin.get("/api/v1/runs").await.ok(200);
    assert_eq!(folder.json(0, &["run", "list"]), waiting["items"]);
    folder.ok(&["run", "task", run, "tidy", "done"]);
    folder.json(6, &["run", "signal", run, "go", "--watch"]);
    folder.json(6, &["run", "task", run, "fine", "done", "--watch"]);
    let approval = folder.json(0, &["approvals", "list"])[0]["id"].clone();
    let approval = approval.as_str().expect("an approval");
    let own = ["approvals", "approve", approval, "--as", "Jürgen"];
    folder.refused(4, "self_approval_off", &own);
    let done = folder.json(0, &["approvals", "approve", approval, "--as", "bob", "--watch"]);
    assert_eq!(done["run"]["outputs"], json!({"colour": "red"}));
    let journal = folder.json(0, &["run", "show", run, "--journal"]);
    assert_eq!(journal["journal"][0]["event"]["type"], "run_created");

    assert_eq!(
        folder.json(0, &["agent", "list"]).as_array().map(Vec::len),
        Some(8)
    );
    folder.json(0, &["tool", "call", "zoom.list_rooms", "--watch"]);
    folder.json(0, &["setting", "set", "runs.mode", "mock"]);
    let set = with_input(&folder, &["secret", "set", "slack.token"], "a-long-enough-secret");
    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(
        folder.refused(3, "not_found", &["recipe", "show", "wait"])["hint"],
        "did you mean 'waits'?"
    );
    let left: Vec<_> = std::fs::read_dir(folder.path("")).expect("reads").collect();
    assert_eq!(left.len(), 1, "nothing but server.json: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_its_server_is_passed_over() {
    let site = Site::open().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    // Where nothing else lies, there is nothing to be asked.
    let folder = elsewhere(&site, |file| file["address"] = json!(address));
    folder.refused(8, "data_not_initialised", &["run", "list"]);
    // Nobody holds this folder, although the file names a server that answers.
    let file = std::fs::read(site.folder.path("server.json")).expect("the file");
    let other = Folder::seeded();
    other.file("server.json", file);
    other.json(0, &["tool", "call", "zoom.list_rooms"]);
    assert_eq!(other.json(0, &["run", "list"]).as_array().map(Vec::len), Some(1));
    let seen = site.admin.get("/api/v1/runs").await.ok(200);
    assert_eq!(seen["items"], json!([]), "another folder's run");
    // This one is held, but the file is an older server's: the command works beside it.
    site.folder
        .file("server.json", json!({"pid": 1, "address": address}).to_string());
    let started = site.folder.ok(&["run", "start", "zoom-room-health-check"]);
    assert!(started.contains("handed to the server"), "{started}");
    let seen = site.admin.get("/api/v1/runs").await.ok(200);
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told() {
    let site = Site::open().await;
    let folder = elsewhere(&site, |file| file["secret"] = json!("local_wrong"));
    let error = folder.refused(1, "token_refused", &["run", "list"]);
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("server.json"), "{message}");
    assert!(error["hint"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_only_people_can_go_on() {
    let site = Site::open().await;
    let alone = Folder::seeded();
    let start = ["run", "start", "waits", "-i", "colour=red", "--watch"];
    let mut said = Vec::new();
    for folder in [&site.folder, &alone] {
        let file = folder.file("waits.yaml", WAITS);
        folder.ok(&["recipe", "save", &file, "--activate"]);
        let started = folder.run(&start);
        assert_eq!(started.code, 6, "{started:?}");
        let run = folder.newest()["run"]["run"].as_str().expect("an id").to_owned();
        let watched = folder.run(&["run", "watch", &run]);
        assert_eq!(watched.code, 6, "{watched:?}");
        for ended in [started, watched] {
            assert!(ended.out.contains("waits for a task: Tidy the room"), "{ended:?}");
            said.push(ended.out.lines().count());
        }
    }
    assert_eq!(said[..2], said[2..], "beside a server and alone it says the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_its_server_does() {
    let mut site = Site::open().await;
    let file = site.folder.file("naps.yaml", NAPS);
    site.folder.ok(&["recipe", "save", &file, "--activate"]);
    site.folder.ok(&["run", "start", "naps"]);
    let run = site.folder.newest()["run"]["run"].clone();
    let mut watch = Command::new(BINARY)
        .arg("--data")
        .arg(site.folder.path(""))
        .args(["run", "watch", run.as_str().expect("an id")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Read to the end: whoever writes to nobody has nothing more to say.
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    let naps = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("waits for")));
    assert!(naps.is_some(), "it says what it waits for");
    site.server.kill();
    let left = watch.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&left.stderr).into_owned();
    assert_eq!(left.status.code(), Some(6), "{said}");
    assert!(said.contains("nobody works on"), "{said}");
    drop(lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_token_by_their_password() {
    let site = Site::open().await;
    let link = site.folder.json(0, &["user", "add", "ann", "--role", "viewer"]);
    let wish = json!({"secret": link["secret"], "name": "", "password": PASSWORD});
    site.nobody().post("/api/v1/links/use", wish).await.ok(200);
    let changed = site
        .folder
        .json(0, &["user", "change", "ann", "--role", "operator"]);
    assert_eq!(changed["roles"], json!(["operator"]));

    let make = [
        "token", "make", "--name", "ci", "--scope", "run", "--days", "3", "--json",
    ];
    let wrong = with_input(&site.folder, &make, "not the password\n");
    assert_eq!((wrong.code, wrong.out.as_str()), (4, ""), "{wrong:?}");
    assert!(wrong.err.contains("sign_in_failed"), "{wrong:?}");
    let made = with_input(&site.folder, &make, &format!("{PASSWORD}\n"));
    assert_eq!(made.code, 0, "{made:?}");
    let made: Value = serde_json::from_str(&made.out).expect("JSON");
    let secret = made["secret"].as_str().expect("the token");
    let token = site.nobody().token(secret);
    assert_eq!(token.get("/api/v1/session").await.ok(200)["name"], "ann");
    token.get("/api/v1/users").await.refused(403, "role_missing");

    let listed = site.folder.ok(&["token", "list"]);
    assert!(listed.contains("ann") && !listed.contains(secret), "{listed}");
    let id = made["token"]["id"].as_str().expect("an id");
    site.folder.ok(&["token", "revoke", id]);
    token.get("/api/v1/session").await.refused(401, "token_refused");
    site.folder.ok(&["user", "change", "ann", "--disable"]);
    let out = with_input(&site.folder, &make, PASSWORD);
    assert_eq!(out.code, 4, "{out:?}");
    site.folder
        .refused(2, "argument_invalid", &["user", "change", "ann"]);
    site.folder
        .refused(4, "last_admin", &["user", "change", "root", "--disable"]);
    site.folder.refused(3, "not_found", &["user", "link", "nobody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_same_routes_answer() {
    let mut site = Site::open().await;
    site.user("ann", &["operator"]).await;
    site.server.kill();
    let folder = &site.folder;
    let make = [
        "token", "make", "--name", "ci", "--scope", "run", "--env", "WORD", "--json",
    ];
    let made = ended(folder.command(&make).env("WORD", PASSWORD));
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(folder.json(0, &["token", "list"])[0]["name"], "ci");
    assert_eq!(
        folder.json(0, &["user", "list"]).as_array().map(Vec::len),
        Some(2)
    );
    let leaves = folder.json(0, &["audit", "leaves", "--limit", "1000"]);
    let leaves = leaves.as_array().expect("leaves");
    let kinds: Vec<&Value> = leaves.iter().map(|leaf| &leaf["kind"]).collect();
    assert!(kinds.contains(&&json!("token_made")), "{kinds:?}");
    let after = leaves.len() - 2;
    let last = folder.json(0, &["audit", "leaves", "--after", &after.to_string()]);
    assert_eq!(last, json!(leaves[after..]));
    let first = folder.ok(&["audit", "leaves", "--limit", "1"]);
    assert_eq!(first.lines().count(), 2, "{first}");
}
