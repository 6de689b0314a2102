//! Looking at what mock runs did in the sandbox.

use crate::rig::Folder;
use crate::site::Site;

/// A branch with a file and a pull request for it, made through the door beside the server.
const MADE: [(&str, &[&str]); 3] = [
    ("github.create_branch", &["branch=fix/4a"]),
    (
        "github.put_file",
        &[
            "branch=fix/4a",
            "path=notes.md",
            "content=Reset it.",
            "message=Say how",
        ],
    ),
    (
        "github.create_pull_request",
        &["head=fix/4a", "base=main", "title=Say how"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn vendors_show_what_they_know_without_credentials() {
    let site = Site::open().await;
    let read = [
        "tool",
        "call",
        "zoom.find_room",
        "--arg",
        "query=Boardroom 4A",
        "--watch",
    ];
    site.folder.ok(&read);
    let vendors = site.admin.get("/api/v1/sandbox").await.ok(200);
    let names: Vec<&str> = vendors["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    assert!(names.contains(&"zoom") && names.contains(&"github"), "{names:?}");
    assert!(
        !names.contains(&"settings") && !names.contains(&"issued"),
        "{names:?}"
    );
    let zoom = site.admin.get("/api/v1/sandbox/zoom").await.ok(200);
    assert!(
        zoom["rooms"].as_array().is_some_and(|rooms| !rooms.is_empty()),
        "{zoom}"
    );
    assert!(
        zoom.get("tokens").is_none(),
        "a token has been given out and isn't shown"
    );
    let kept = std::fs::read_to_string(site.folder.path("sandbox.json")).expect("the sandbox's state");
    assert!(kept.contains("\"tokens\":[{"), "Zoom has given a token");
    site.admin
        .get("/api/v1/sandbox/settings")
        .await
        .refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_shown_as_a_difference() {
    let site = Site::open().await;
    let newest = "/api/v1/sandbox/github/diff";
    site.admin.get(newest).await.refused(404, "sandbox_pull_unknown");
    for (action, args) in MADE {
        site.folder.ok(&["tool", "rule", action, "run"]);
        let mut call = vec!["tool", "call", action, "--arg", "repo=avops/runbooks", "--watch"];
        call.extend(args.iter().flat_map(|arg| ["--arg", arg]));
        site.folder.ok(&call);
    }
    let viewer = site.user("vera", &["viewer"]).await;
    let shown = viewer.get(newest).await.ok(200);
    let diff = shown["diff"].as_str().expect("a text");
    assert!(
        diff.contains("+++ b/notes.md") && diff.contains("+Reset it."),
        "{diff}"
    );
    let number = &shown["number"];
    assert_eq!(
        viewer.get(&format!("{newest}?number={number}")).await.ok(200),
        shown
    );
    assert_eq!(site.folder.json(0, &["sandbox", "diff"]), shown);
    viewer
        .get(&format!("{newest}?number=999"))
        .await
        .refused(404, "sandbox_pull_unknown");
    viewer
        .get(&format!("{newest}?number=x"))
        .await
        .refused(400, "query_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_the_sandbox_work_again_under_every_server_of_the_folder() {
    let folder = Folder::seeded();
    for (action, args) in MADE {
        folder.ok(&["tool", "rule", action, "run"]);
        let mut call = vec!["tool", "call", action, "--arg", "repo=avops/runbooks"];
        call.extend(args.iter().flat_map(|arg| ["--arg", arg]));
        folder.ok(&call);
    }
    let run = folder.newest();
    let url = run["artifacts"][0]["url"].as_str().expect("a link").to_owned();
    let page = folder.ok(&["run", "show", run["run"]["run"].as_str().expect("an id")]);
    assert!(page.contains(&url) && page.contains("the sandbox's"), "{page}");
    // The process that gave the link out has ended; nobody answers there.
    assert!(reqwest::get(&url).await.is_err(), "{url}");
    for _ in 0..2 {
        let mut server = folder.serve();
        let shown = reqwest::get(&url).await.expect("an answer");
        assert_eq!(shown.status(), 200, "{url}");
        assert!(shown.text().await.expect("a page").contains("Say how"));
        server.kill();
    }
    // Whoever has the port meanwhile keeps it.
    let address = url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .expect("an address");
    let taken = std::net::TcpListener::bind(address).expect("it is free");
    let server = folder.serve();
    let sandbox = server.document["sandbox"].as_str().expect("an address");
    assert!(!url.starts_with(&format!("{sandbox}/")), "{sandbox} {url}");
    drop(taken);
}
