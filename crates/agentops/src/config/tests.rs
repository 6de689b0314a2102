//! Which source beats which, and what a wrong key or value says.

use super::*;

fn env(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(key, value)| (OsString::from(key), OsString::from(value)))
        .collect()
}

fn flags(data: &Path) -> Flags {
    Flags {
        data: Some(data.to_owned()),
        ..Flags::default()
    }
}

#[test]
fn later_sources_beat_earlier_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "[server]\nlisten = \"127.0.0.1:1\"\n[runtime]\npoll_ms = 50\nlease_s = 5\n[user]\nname = \"file\"\n";
    std::fs::write(folder.path().join(FILE), text).expect("writes");
    let env = env(&[
        ("AGENTOPS_RUNTIME__POLL_MS", "70"),
        ("AGENTOPS_USER__NAME", "env"),
        ("AGENTOPS_SHARED", "x"),
    ]);
    let config = load(
        &Flags {
            user: Some("flag".into()),
            ..flags(folder.path())
        },
        &env,
    )
    .expect("loads");
    assert_eq!(config.server.listen.port(), 1);
    assert_eq!((config.runtime.lease_s, config.runtime.poll_ms), (5, 70));
    assert_eq!(config.user.name, "flag");
    assert_eq!(config.sandbox.listen.port(), 0);
    assert_eq!(config.data.path(), folder.path());
}

#[test]
fn the_defaults_load_and_find_their_places() {
    let env = env(&[("HOME", "/h"), ("USER", "ann")]);
    let config = load(&Flags::default(), &env).expect("loads");
    assert_eq!(config.data.path(), Path::new("/h/.local/share/agentops"));
    assert_eq!(config.user.name, "ann");
    assert!(config.server.listen.ip().is_loopback() && config.sandbox.listen.ip().is_loopback());
}

#[test]
fn who_has_no_login_name_gets_one_that_no_role_has() {
    let config = load(&Flags::default(), &env(&[("HOME", "/h")])).expect("loads");
    assert_eq!(config.user.name, "local");
    assert!(!services::people::ROLES.contains(&config.user.name.as_str()));
    assert!(config.user.name.parse::<types::Role>().is_err());
}

/// A file, variables, the code and a part of what is said.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

#[test]
fn a_wrong_key_or_value_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.toml");
    let cases: &[Case] = &[
        (
            "[server]\nlisen = \"x\"\n",
            &[],
            "config_unknown_key",
            "did you mean server.listen?",
        ),
        (
            "[sever]\nlisten = \"x\"\n",
            &[],
            "config_unknown_key",
            "did you mean server.listen?",
        ),
        (
            "[server]\nlisten = 5\n",
            &[],
            "config_invalid",
            "server.listen must be a text, not 5",
        ),
        (
            "[server]\nlisten = \"nowhere\"\n",
            &[],
            "config_invalid",
            "server.listen",
        ),
        ("[server\n", &[], "config_invalid", "line 1"),
        ("[log]\nformat = \"xml\"\n", &[], "config_invalid", "log.format"),
        (
            "",
            &[("AGENTOPS_RUNTIME__POLL_MS", "soon")],
            "config_invalid",
            "'soon' is not a whole number",
        ),
        (
            "",
            &[("AGENTOPS_RUNTIME__POL_MS", "1")],
            "config_unknown_key",
            "did you mean runtime.poll_ms?",
        ),
        (
            "",
            &[("AGENTOPS_DATA", "elsewhere")],
            "config_invalid",
            "AGENTOPS_DATA__KEY",
        ),
    ];
    for (text, variables, code, part) in cases {
        std::fs::write(&file, text).expect("writes");
        let flags = Flags {
            file: Some(file.clone()),
            ..flags(folder.path())
        };
        let failure = load(&flags, &env(variables)).expect_err(text);
        assert_eq!(failure.code, *code, "{text}");
        let said = format!("{failure} {}", failure.hint.as_deref().unwrap_or_default());
        assert!(said.contains(part), "{part} in {said}");
    }
    let missing = Flags {
        file: Some(folder.path().join("none.toml")),
        ..Flags::default()
    };
    assert_eq!(load(&missing, &[]).expect_err("absent").code, "config_unreadable");
}
