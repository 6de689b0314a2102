//! The door from outside: what it looks at first, which rule speaks, and what it says when it refuses.

use std::collections::BTreeMap;

use governance::{Facts, Matrix, Rule, Schemas, Verdict, decide, permit_look_up};
use serde_json::{Value, json};
use types::{
    ActionSpec, Actor, Catalog, Effect, Failure, Idempotency, Label, Labeled, Mode, Risk, RunId, ToolSpec,
};

fn action(name: &str, effect: Effect) -> ActionSpec {
    let (tool, action) = name.split_once('.').expect("dotted");
    ActionSpec {
        tool: tool.into(),
        action: action.into(),
        description: String::new(),
        aliases: Vec::new(),
        input: json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}),
        output: json!({}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::new(),
        effect,
        idempotency: Idempotency::Unkeyed,
        risk: Risk::Low,
        notification: false,
        probe: false,
        timeout_ms: 1,
    }
}

fn schemas(spec: &ActionSpec) -> Schemas {
    Schemas::new(&Catalog::new([ToolSpec {
        name: spec.tool.clone(),
        description: String::new(),
        version: String::new(),
        actions: vec![spec.clone()],
    }]))
}

fn with_request<T>(spec: &ActionSpec, args: Value, then: impl FnOnce(&governance::Request<'_>) -> T) -> T {
    let digest = types::digest(&args);
    let (args, requester) = (Labeled::new(args, Label::Author), Actor::user("ann"));
    let request = governance::Request {
        run: RunId::from_bytes([1; 16]),
        step: "act/x",
        attempt: 3,
        action: spec,
        args: &args,
        digest: &digest,
        key: "the key",
        mode: Mode::Real,
        requester: &requester,
        now: types::Timestamp::from_millis(0),
        author: None,
        granted: None,
    };
    then(&request)
}

fn verdict(spec: &ActionSpec, args: Value, matrix: &Matrix) -> Verdict {
    let facts = Facts {
        matrix: matrix.clone(),
        ..Facts::default()
    };
    with_request(spec, args, |request| decide(request, &facts, &schemas(spec)))
}

fn refusal(verdict: Verdict) -> Failure {
    match verdict {
        Verdict::Deny { failure } => failure,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_schema_speaks_before_the_matrix() {
    let mut matrix = Matrix::default();
    for rule in [Rule::Run, Rule::ask(), Rule::Deny] {
        matrix.overrides.insert("x.wipe".into(), rule);
        let failure = refusal(verdict(
            &action("x.wipe", Effect::Destructive),
            json!({"id": 5}),
            &matrix,
        ));
        assert_eq!(failure.code, "arguments_invalid");
        assert!(failure.message.contains("/id"), "{failure}");
    }
    let mut broken = action("x.read", Effect::Read);
    broken.input = json!({"type": "no such type"});
    let failure = refusal(verdict(&broken, json!({"id": "1"}), &Matrix::default()));
    assert_eq!(failure.code, "schema_broken");
}

#[test]
fn an_override_speaks_before_the_shipped_table_and_that_before_the_effect() {
    let says = |spec: &ActionSpec, matrix: &Matrix| match verdict(spec, json!({"id": "1"}), matrix) {
        Verdict::Permit(_) => "run".to_owned(),
        Verdict::Ask { reason, .. } => reason,
        Verdict::Deny { failure } => failure.code,
    };
    let restart = action("zoom.restart_room", Effect::Read);
    let mut matrix = Matrix::default();
    assert_eq!(says(&restart, &matrix), "the shipped matrix asks for this action");
    matrix.overrides.insert("zoom.restart_room".into(), Rule::Run);
    assert_eq!(says(&restart, &matrix), "run");
    let listed = action("servicenow.create_incident", Effect::Destructive);
    assert_eq!(
        says(&listed, &matrix),
        "it is destructive",
        "the table never loosens it"
    );
    let mut notify = action("chat.post", Effect::Write);
    assert_eq!(says(&notify, &matrix), "no rule names the action");
    notify.notification = true;
    assert_eq!(says(&notify, &matrix), "run");
    matrix.rest = Some(Rule::Deny);
    for denied in ["x.other", "zoom.create_webinar"] {
        assert_eq!(says(&action(denied, Effect::Write), &matrix), "policy_denied");
    }
    let incident = action("servicenow.create_incident", Effect::Write);
    assert_eq!(
        says(&incident, &matrix),
        "run",
        "an installation's rest leaves issues alone"
    );
    assert_eq!(says(&action("x.read", Effect::Read), &matrix), "run");
}

#[test]
fn a_refusal_names_action_and_policy_and_what_to_do() {
    let matrix = Matrix {
        version: "v7".into(),
        rest: Some(Rule::Deny),
        ..Matrix::default()
    };
    let failure = refusal(verdict(
        &action("x.other", Effect::Write),
        json!({"id": "1"}),
        &matrix,
    ));
    assert!(failure.message.contains("x.other") && failure.message.contains("v7"));
    assert!(failure.hint.is_some());
}

#[test]
fn a_permit_is_for_exactly_what_was_asked() {
    let spec = action("x.read", Effect::Read);
    let Verdict::Permit(permit) = verdict(&spec, json!({"id": "1"}), &Matrix::default()) else {
        panic!("reads run");
    };
    assert_eq!(
        (permit.step(), permit.attempt(), permit.key()),
        ("act/x", 3, "the key")
    );
    assert_eq!((permit.action(), permit.mode()), ("x.read", Mode::Real));
    assert_eq!(*permit.digest(), types::digest(&json!({"id": "1"})));
    assert!(!permit.look_up_only());
    let wipe = action("x.wipe", Effect::Destructive);
    let look_up = with_request(&wipe, json!({"id": "1"}), permit_look_up);
    assert!(look_up.look_up_only(), "what may be looked up may not be done");
}
