//! Looking at what mock runs did in the sandbox.

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
