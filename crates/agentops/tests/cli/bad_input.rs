//! Bad input of every kind: a clear error with a code, a place and a cure, the right exit code, and
//! nothing changed.

use serde_json::{Value, json};

use crate::rig::Folder;

/// A recipe whose only step is this.
fn recipe(name: &str, step: &str) -> String {
    format!("name: {name}\nintake: []\nplan: []\nact:\n  - id: step\n    {step}\nverify: []\n")
}

/// What checking a text finds: codes with line and column.
fn found(folder: &Folder, text: impl AsRef<[u8]>) -> Vec<(String, u64, u64)> {
    let file = folder.file("recipe.yaml", text);
    let document = folder.json(4, &["recipe", "check", &file]);
    assert_eq!(document["ok"], false);
    let findings = document["files"][0]["diagnostics"]
        .as_array()
        .expect("findings")
        .clone();
    let at = |finding: &Value, key: &str| finding[key].as_u64().expect("a number");
    findings
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| {
            let code = finding["code"].as_str().expect("a code").to_owned();
            (code, at(finding, "line"), at(finding, "column"))
        })
        .collect()
}

#[test]
fn a_malformed_recipe_shows_every_problem_with_its_place() {
    let folder = Folder::seeded();
    let text = "name: Bad\nintake: []\nplan:\n  - id: one\n    action: zoom.find_rom\n    with: {query: x}\n\
                \x20 - id: two\n    action: zoom.find_room\n    with: {quary: x}\nact:\n  - wen: x\nverify: []\n";
    let expected = [
        ("unknown_action", 5, 13),
        ("bad_argument", 9, 12),
        ("bad_argument", 9, 12),
        ("step_kind", 11, 5),
    ];
    let expected: Vec<_> = expected
        .map(|(code, line, column)| (code.to_owned(), line, column))
        .into();
    assert_eq!(found(&folder, text), expected);
    let file = folder.file("bad.yaml", text);
    let people = folder.run(&["recipe", "check", &file]);
    assert_eq!(people.code, 4);
    for part in [
        "bad.yaml:5:13",
        "5 |     action: zoom.find_rom",
        "= try: zoom.find_room",
        "4 errors",
    ] {
        assert!(people.out.contains(part), "{part} in {}", people.out);
    }
    let error = folder.refused(4, "recipe_has_errors", &["recipe", "save", &file, "--activate"]);
    assert!(
        error["message"].as_str().expect("a message").contains("line 5"),
        "{error}"
    );
    assert_eq!(
        folder.json(0, &["recipe", "list"]).as_array().map(Vec::len),
        Some(5)
    );
    // Without --activate it is kept, but as a draft that nothing runs.
    assert_eq!(folder.json(4, &["recipe", "save", &file])["runnable"], false);
    folder.refused(4, "recipe_not_active", &["run", "start", "bad"]);
    folder.refused(4, "recipe_has_errors", &["run", "start", "bad", "--version", "1"]);
    folder.refused(4, "recipe_has_errors", &["recipe", "activate", "bad", "1"]);
    assert_eq!(folder.json(0, &["run", "list"]), json!([]));
}

#[test]
fn rubbish_is_no_recipe() {
    let folder = Folder::seeded();
    for text in [
        &b"\xff\xfe\x00"[..],
        b"",
        b"[1, 2",
        b"just words",
        b"{{{{",
        b"\x00\x01\x02",
    ] {
        let codes = found(&folder, text);
        assert!(!codes.is_empty(), "{text:?}");
    }
    let codes = found(&folder, b"name: \"\xff\"\n");
    assert_eq!(codes, [("invalid_utf8".to_owned(), 1, 8)]);
    let file = folder.file("bytes.yaml", b"name: \"\xff\"\n");
    folder.refused(4, "invalid_utf8", &["recipe", "save", &file]);
    folder.refused(
        4,
        "invalid_utf8",
        &["run", "start", "zoom-room-hdmi-black", "--inputs-file", &file],
    );
    folder.refused(
        1,
        "file_unreadable",
        &["recipe", "check", "/nonexistent/recipe.yaml"],
    );
    let bomb: String = (1..9)
        .map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(10)))
        .collect();
    let codes = found(&folder, format!("a0: &a0 [x]\n{bomb}"));
    assert!(
        codes.iter().any(|(code, _, _)| code == "yaml_alias_bomb"),
        "{codes:?}"
    );
    assert_eq!(
        folder.json(0, &["recipe", "list"]).as_array().map(Vec::len),
        Some(5)
    );
}

#[test]
fn an_unknown_action_and_wrong_arguments_start_nothing() {
    let folder = Folder::seeded();
    let error = folder.refused(4, "unknown_action", &["tool", "call", "zoom.find_rom"]);
    assert_eq!(error["hint"], "did you mean 'zoom.find_room'?");
    for args in [&["query:=5"][..], &["quary=x"], &[]] {
        let args: Vec<&str> = args.iter().flat_map(|arg| ["--arg", arg]).collect();
        folder.refused(
            4,
            "inputs_invalid",
            &[&["tool", "call", "zoom.find_room"], &args[..]].concat(),
        );
    }
    let start = [
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "rom=x",
        "-i",
        "room:=5",
    ];
    let error = folder.refused(4, "inputs_invalid", &start);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("did you mean 'room'?") && message.contains("5 is not"),
        "all at once: {message}"
    );
    assert_eq!(
        folder.refused(3, "not_found", &["run", "start", "zoom-room-hdmi-blak"])["hint"],
        "did you mean 'zoom-room-hdmi-black'?"
    );
    folder.refused(
        3,
        "not_found",
        &["run", "show", "run_00000000000070008000000000000001"],
    );
    assert_eq!(folder.json(0, &["run", "list"]), json!([]));
}

#[test]
fn a_template_bomb_fails_its_run_and_nothing_else() {
    let folder = Folder::seeded();
    let nested = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
    let file = folder.file("bomb.yaml", recipe("Bomb", &format!("manual: \"{nested}\"")));
    folder.ok(&["recipe", "save", &file, "--activate"]);
    let run = folder.json(5, &["run", "start", "bomb"]);
    assert_eq!(run["run"]["failure"]["code"], "template_fuel");
    assert!(run["run"]["failure"]["hint"].is_string());
    assert_eq!(folder.json(0, &["run", "dead-letters"]), json!([]));
    folder.json(0, &["tool", "call", "zoom.list_rooms"]);
}

#[test]
fn recipes_that_run_each_other_for_ever_are_refused() {
    let folder = Folder::seeded();
    let leaf = folder.file("a.yaml", recipe("Ring A", "manual: wait"));
    folder.ok(&["recipe", "save", &leaf, "--activate"]);
    let other = folder.file("b.yaml", recipe("Ring B", "run: ring-a"));
    folder.ok(&["recipe", "save", &other, "--activate"]);
    let ring = folder.file("a.yaml", recipe("Ring A", "run: ring-b"));
    let error = folder.refused(4, "recipe_has_errors", &["recipe", "save", &ring, "--activate"]);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("cyclic_run") && message.contains("line 6"),
        "{message}"
    );
    let record = folder.json(0, &["recipe", "versions", "ring-a"]);
    assert_eq!(
        (&record["active"], record["versions"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
}

#[test]
fn a_damaged_database_is_left_as_it_is() {
    let folder = Folder::seeded();
    let whole = std::fs::read(folder.path("agentops.db")).expect("reads");
    let mut scribbled = whole.clone();
    scribbled[..100].fill(0x5a);
    for damaged in [b"this is no database at all, only words".to_vec(), scribbled] {
        for name in ["agentops.db-wal", "agentops.db-shm"] {
            // Left over only if a process died.
            let _ = std::fs::remove_file(folder.path(name));
        }
        std::fs::write(folder.path("agentops.db"), &damaged).expect("writes");
        for args in [
            &["run", "list"][..],
            &["init"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["run", "start", "x"],
        ] {
            let error = folder.refused(8, "database_damaged", args);
            assert!(
                error["hint"].as_str().expect("a cure").contains("backup"),
                "{error}"
            );
        }
        assert!(
            std::fs::read(folder.path("agentops.db")).expect("reads") == damaged,
            "it was changed"
        );
    }
    std::fs::write(folder.path("agentops.db"), whole).expect("writes");
    assert_eq!(
        folder.json(0, &["recipe", "list"]).as_array().map(Vec::len),
        Some(5)
    );
}

#[test]
fn a_newer_database_is_left_as_it_is() {
    let folder = Folder::seeded();
    let mut bytes = std::fs::read(folder.path("agentops.db")).expect("reads");
    // The one row of schema_info as SQLite keeps it (https://www.sqlite.org/fileformat2.html, record
    // format): a header of 4 bytes for rowid, a number of one byte and a text of 5; then both.
    let is_row = |part: &[u8]| part.starts_with(&[4, 0, 1, 23]) && part.ends_with(b"0.1.0");
    let rows: Vec<usize> = bytes
        .windows(10)
        .enumerate()
        .filter(|(_, part)| is_row(part))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(rows.len(), 1, "the row is found");
    bytes[rows[0] + 4] = 120;
    std::fs::write(folder.path("agentops.db"), &bytes).expect("writes");
    for args in [
        &["run", "list"][..],
        &["init"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let error = folder.refused(8, "database_newer", args);
        assert!(
            error["message"].as_str().expect("a message").contains("120"),
            "{error}"
        );
        assert!(error["hint"].is_string(), "{error}");
    }
    assert!(
        std::fs::read(folder.path("agentops.db")).expect("reads") == bytes,
        "it was changed"
    );
}
