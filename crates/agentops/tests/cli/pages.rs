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
