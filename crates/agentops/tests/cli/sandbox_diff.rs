//! What recipes would have changed in a repository, looked at from the command line.

use crate::rig::Folder;

#[test]
fn what_a_mock_run_changed_is_shown_as_a_difference() {
    let folder = Folder::seeded();
    folder.refused(3, "sandbox_pull_unknown", &["sandbox", "diff"]);
    for (action, args) in [
        ("github.create_branch", &["branch=fix/4a"][..]),
        (
            "github.put_file",
            &[
                "branch=fix/4a",
                "path=notes.md",
                "content=Reset the display.",
                "message=Say how",
            ],
        ),
        (
            "github.create_pull_request",
            &["head=fix/4a", "base=main", "title=Say how"],
        ),
    ] {
        folder.ok(&["tool", "rule", action, "run"]);
        let args = args.iter().flat_map(|arg| ["--arg", arg]);
        let call = ["tool", "call", action, "--arg", "repo=avops/runbooks"];
        folder.json(0, &call.into_iter().chain(args).collect::<Vec<_>>());
    }
    let shown = folder.json(0, &["sandbox", "diff"]);
    assert_eq!((&shown["number"], &shown["head"]), (&2.into(), &"fix/4a".into()));
    let diff = shown["diff"].as_str().expect("text");
    assert!(
        diff.contains("+++ b/notes.md") && diff.contains("+Reset the display."),
        "{diff}"
    );
    let people = folder.ok(&["sandbox", "diff", "2"]);
    assert!(
        people.contains("#2 Say how\nfix/4a into main\n\ndiff --git"),
        "{people}"
    );
    folder.refused(3, "sandbox_pull_unknown", &["sandbox", "diff", "1"]);
    let file = folder.path("sandbox.json");
    let file = file.to_str().expect("UTF-8");
    folder.json(0, &["sandbox", "diff", "2", "--state", file]);
}
