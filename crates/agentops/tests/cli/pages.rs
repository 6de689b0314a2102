//! Pages and files that are made from the code are what the code makes now.

use crate::rig::{Folder, project};

#[test]
fn generated_files_are_current() {
    let folder = Folder::empty();
    for (path, args) in [
        ("docs/cli.md", &["reference", "cli"][..]),
        ("docs/api.md", &["reference", "api"]),
        ("docs/openapi.json", &["reference", "openapi"]),
        ("docs/configuration.md", &["reference", "configuration"]),
        ("docs/recipe.schema.json", &["recipe", "schema"]),
    ] {
        let made = folder.ok(args);
        assert!(
            project(path) == made,
            "{path} is old: write the output of `agentops {}` there",
            args.join(" ")
        );
    }
}

#[test]
fn the_reference_names_every_command_and_exit_code() {
    let page = project("docs/cli.md");
    for part in [
        "## agentops init",
        "### agentops run start",
        "### agentops approvals approve",
        "| 7 |",
        "`--json`",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("# agentops reference"),
        "hidden commands stay hidden"
    );
}

#[test]
fn a_code_is_explained_as_it_stands_behind_a_message() {
    let folder = Folder::empty();
    let page = folder.ok(&["explain", "[run_ended]"]);
    assert!(
        page.starts_with("run_ended\n") && page.contains("\nCure\n"),
        "{page}"
    );
    let document = folder.json(0, &["explain", "run_ended"]);
    assert_eq!(document["page"], project("docs/errors/run_ended.md"));
    let all = folder.json(0, &["explain"]);
    assert_eq!(all.as_array().expect("a list").len(), types::CODES.len());
    let refused = folder.refused(3, "not_found", &["explain", "run_endet"]);
    assert!(
        refused["hint"].as_str().expect("a hint").contains("run_ended"),
        "{refused}"
    );
    folder.refused(3, "not_found", &["explain", "../agents"]);
}
