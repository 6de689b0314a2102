//! Recipes in few words, and a tool with one action for every row of the table of unknown outcomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Limits, Program};
use governance::{Facts, Matrix, Rule, Schemas};
use recipe::Recipe;
use recipe::program::{
    ApprovalSpec, Evidence, Expr, ForEach, Guardrails, InputSpec, Kind, OnError, OnUncertain, Retry, Save,
    SaveFrom, Step, Template, Until, Wait,
};
use serde_json::{Value, json};
use types::{ActionSpec, Catalog, Effect, Idempotency, Millis, Risk, ToolSpec};

/// How long one call of any action may take, in milliseconds.
pub const CALL_MS: Millis = 10_000;
/// How long the marker action's vendor needs to show what it did, in milliseconds.
pub const SETTLE_MS: Millis = 1_000;

pub fn template(value: Value) -> Template {
    Template::parse(&value).expect("the template parses")
}

pub fn expr(source: &str) -> Expr {
    Expr::parse(source).expect("the expression parses")
}

/// A recipe with these `act` steps and nothing else.
pub fn recipe(act: impl IntoIterator<Item = Step>) -> Recipe {
    Recipe {
        name: "test".into(),
        description: String::new(),
        version: None,
        changelog: Vec::new(),
        agent: None,
        inputs: Vec::new(),
        intake: Vec::new(),
        plan: Vec::new(),
        act: act.into_iter().collect(),
        verify: Vec::new(),
        guardrails: Guardrails::default(),
        success_metrics: Vec::new(),
        outputs: Vec::new(),
        params: Value::Null,
    }
}

pub fn step(id: &str, kind: Kind) -> Step {
    Step {
        id: id.into(),
        line: 1,
        title: format!("do {id}"),
        kind,
        when: None,
        save: Vec::new(),
        for_each: None,
        retry: Retry {
            max_attempts: 3,
            backoff_ms: 1_000,
            factor: 2.0,
            max_backoff_ms: 30_000,
        },
        timeout_ms: None,
        until: None,
        on_error: OnError::Fail,
        undo: Vec::new(),
        on_uncertain: None,
        approval: None,
        evidence: Vec::new(),
        mock: None,
    }
}

/// A call of `t.<action>`.
pub fn call(id: &str, action: &str) -> Step {
    let action = format!("t.{action}");
    step(
        id,
        Kind::Action {
            action,
            args: template(json!({})),
        },
    )
}

pub fn ask(id: &str, name: &str) -> Step {
    let prompt = template(json!(format!("{name}?")));
    step(
        id,
        Kind::Ask {
            name: name.into(),
            prompt,
        },
    )
}

pub fn manual(id: &str) -> Step {
    let text = template(json!("look at it"));
    step(id, Kind::Manual { text })
}

pub fn confirm(id: &str) -> Step {
    let text = template(json!("it is bright"));
    step(id, Kind::Confirm { text })
}

pub fn check(id: &str, condition: &str) -> Step {
    let condition = expr(condition);
    step(id, Kind::Check { condition })
}

pub fn wait_for(id: &str, wait: Wait) -> Step {
    step(id, Kind::Wait { wait })
}

pub fn signal(id: &str, name: &str) -> Step {
    wait_for(id, Wait::Signal { name: name.into() })
}

pub fn child(id: &str, recipe: &str, inputs: Value) -> Step {
    step(
        id,
        Kind::Run {
            recipe: recipe.into(),
            inputs: template(inputs),
        },
    )
}

pub fn parallel(id: &str, branches: impl IntoIterator<Item = Vec<Step>>) -> Step {
    step(
        id,
        Kind::Parallel {
            branches: branches.into_iter().collect(),
            max_concurrency: None,
        },
    )
}

/// Modifiers of a step, each named after its key in the language.
pub trait Modify {
    fn with(self, args: Value) -> Self;
    fn when(self, condition: &str) -> Self;
    fn save(self, name: &str, pointer: &str) -> Self;
    fn for_each(self, items: Value) -> Self;
    fn retry(self, max_attempts: u32) -> Self;
    fn timeout(self, millis: Millis) -> Self;
    fn until(self, condition: &str, every_ms: Millis) -> Self;
    fn go_on(self) -> Self;
    fn on_error(self, steps: Vec<Step>) -> Self;
    fn undo(self, steps: Vec<Step>) -> Self;
    fn on_uncertain(self, what: OnUncertain) -> Self;
    fn approval(self, roles: &[&str], quorum: u32, expires_ms: Option<Millis>) -> Self;
    fn evidence(self, name: &str, value: Option<Value>) -> Self;
    fn at_once(self, most: u32) -> Self;
}

impl Modify for Step {
    fn with(mut self, arguments: Value) -> Self {
        if let Kind::Action { args, .. } = &mut self.kind {
            *args = template(arguments);
        }
        self
    }

    fn when(mut self, condition: &str) -> Self {
        self.when = Some(expr(condition));
        self
    }

    fn save(mut self, name: &str, pointer: &str) -> Self {
        self.save.push(Save {
            name: name.into(),
            from: SaveFrom::Output(pointer.into()),
        });
        self
    }

    fn for_each(mut self, items: Value) -> Self {
        self.for_each = Some(ForEach {
            items: template(items),
            name: "item".into(),
        });
        self
    }

    fn retry(mut self, max_attempts: u32) -> Self {
        self.retry.max_attempts = max_attempts;
        self
    }

    fn timeout(mut self, millis: Millis) -> Self {
        self.timeout_ms = Some(millis);
        self
    }

    fn until(mut self, condition: &str, every_ms: Millis) -> Self {
        self.until = Some(Until {
            condition: expr(condition),
            every_ms,
        });
        self
    }

    fn go_on(mut self) -> Self {
        self.on_error = OnError::Continue;
        self
    }

    fn on_error(mut self, steps: Vec<Step>) -> Self {
        self.on_error = OnError::Steps(steps);
        self
    }

    fn undo(mut self, steps: Vec<Step>) -> Self {
        self.undo = steps;
        self
    }

    fn on_uncertain(mut self, what: OnUncertain) -> Self {
        self.on_uncertain = Some(what);
        self
    }

    fn approval(mut self, roles: &[&str], quorum: u32, expires_ms: Option<Millis>) -> Self {
        self.approval = Some(ApprovalSpec {
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            quorum,
            expires_ms,
        });
        self
    }

    fn evidence(mut self, name: &str, value: Option<Value>) -> Self {
        self.evidence.push(Evidence {
            name: name.into(),
            value: value.map(template),
        });
        self
    }

    fn at_once(mut self, most: u32) -> Self {
        if let Kind::Parallel { max_concurrency, .. } = &mut self.kind {
            *max_concurrency = Some(most);
        }
        self
    }
}

pub fn input(name: &str, required: bool, default: Option<Value>) -> InputSpec {
    InputSpec {
        name: name.into(),
        schema: json!({"type": "string"}),
        required,
        default,
        description: String::new(),
    }
}

/// The tool `t`.
pub fn catalog() -> Catalog {
    let marker = Idempotency::Marker { settle_ms: SETTLE_MS };
    let actions = [
        ("read", Effect::Read, Idempotency::Natural),
        ("natural", Effect::Write, Idempotency::Natural),
        ("native", Effect::Write, Idempotency::NativeKey),
        ("marker", Effect::Write, marker),
        ("probe", Effect::Write, Idempotency::Unkeyed),
        ("unkeyed", Effect::Write, Idempotency::Unkeyed),
        ("notify", Effect::Write, Idempotency::Unkeyed),
        ("wipe", Effect::Destructive, Idempotency::NativeKey),
    ];
    let actions = actions.map(|(name, effect, idempotency)| ActionSpec {
        tool: "t".into(),
        action: name.into(),
        description: String::new(),
        aliases: Vec::new(),
        input: json!({"type": "object"}),
        output: json!({}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::new(),
        effect,
        idempotency,
        risk: Risk::Low,
        notification: name == "notify",
        probe: name == "probe",
        timeout_ms: CALL_MS,
    });
    Catalog::new([ToolSpec {
        name: "t".into(),
        description: String::new(),
        version: "1".into(),
        actions: actions.into(),
    }])
}

/// A program in which writes run and destructive actions ask.
pub fn program(recipe: Recipe) -> Program {
    let catalog = catalog();
    let matrix = Matrix {
        rest: Some(Rule::Run),
        ..Matrix::default()
    };
    Program {
        recipe: Arc::new(recipe),
        schemas: Arc::new(Schemas::new(&catalog)),
        catalog: Arc::new(catalog),
        children: BTreeMap::new(),
        facts: Arc::new(Facts {
            matrix,
            ..Facts::default()
        }),
        limits: Limits::default(),
    }
}
