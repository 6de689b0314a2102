//! Random choices that shrink, and random recipes made of them.

use recipe::Recipe;
use recipe::program::{OnUncertain, Step, Wait};
use serde_json::json;

use super::*;

/// Choices drawn from bytes, one byte each. When none are left every choice is 0, the simplest, so
/// that shorter input is a simpler case.
pub struct Dice {
    bytes: Vec<u8>,
    at: usize,
}

impl Dice {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % sides
    }

    /// True once in `sides`; false when no bytes are left.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == sides - 1
    }

    pub fn is_used_up(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

const ACTIONS: [&str; 8] = [
    "read", "native", "natural", "marker", "probe", "unkeyed", "notify", "wipe",
];

/// A recipe of some random steps; with `kids` it may run the recipe `kid`.
pub fn random_recipe(dice: &mut Dice, name: &str, kids: bool) -> Recipe {
    let mut ids = 0;
    let mut recipe = recipe(block(dice, &mut ids, 2, kids));
    recipe.name = name.into();
    if dice.one_in(3) {
        recipe.verify = block(dice, &mut ids, 1, kids);
    }
    if dice.one_in(4) {
        recipe.guardrails.rollback = vec![call("rolled", ACTIONS[dice.roll(ACTIONS.len())])];
    }
    if dice.one_in(5) {
        recipe.guardrails.timeout_ms = Some(20_000);
    }
    if dice.one_in(6) {
        recipe.outputs = vec![("out".into(), template(json!("{{ s.got_x1 }}")))];
    }
    recipe
}

fn block(dice: &mut Dice, ids: &mut u32, depth: u32, kids: bool) -> Vec<Step> {
    (0..=dice.roll(3))
        .map(|_| random_step(dice, ids, depth, kids))
        .collect()
}

fn random_step(dice: &mut Dice, ids: &mut u32, depth: u32, kids: bool) -> Step {
    *ids += 1;
    let id = format!("x{ids}");
    let kind = dice.roll(18);
    let step = match kind {
        0..8 => call(&id, ACTIONS[kind]),
        8 => manual(&id),
        9 => ask(&id, &format!("in_{id}")),
        10 => wait_for(&id, Wait::Span { millis: 7_000 }),
        11 => signal(&id, "go"),
        12 => check(&id, if dice.one_in(3) { "1 == 2" } else { "1 == 1" }),
        13 | 14 if kids => child(&id, "kid", json!({})),
        15 | 16 if depth > 0 => {
            let branches = [
                block(dice, ids, depth - 1, kids),
                block(dice, ids, depth - 1, kids),
            ];
            parallel(&id, branches).at_once(1 + dice.roll(3) as u32)
        }
        _ => call(&id, "unkeyed"),
    };
    modified(dice, step, ids, depth)
}

fn modified(dice: &mut Dice, step: Step, ids: &mut u32, depth: u32) -> Step {
    use recipe::program::Kind;
    let mut step = step;
    let repeatable = matches!(step.kind, Kind::Action { .. } | Kind::Run { .. });
    if dice.one_in(3) {
        let undo = call("back", ACTIONS[dice.roll(ACTIONS.len())]);
        let by_hand = dice.one_in(4).then(|| manual("by_hand"));
        step = step.undo(std::iter::once(undo).chain(by_hand).collect());
    }
    if dice.one_in(6) {
        step = step.for_each(json!([1, 2, 3][..dice.roll(4)]));
    }
    if dice.one_in(6) {
        step = step.when(if dice.one_in(2) { "1 > 2" } else { "2 > 1" });
    }
    if dice.one_in(6) {
        step = step.timeout([100, 8_000, 15_000][dice.roll(3)]);
    }
    if dice.one_in(5) {
        step = if depth > 0 && dice.one_in(2) {
            step.on_error(block(dice, ids, depth - 1, false))
        } else {
            step.go_on()
        };
    }
    let name = format!("got_{}", step.id);
    if matches!(step.kind, Kind::Action { .. }) {
        step = step.save(&name, "");
    }
    if repeatable && dice.one_in(6) {
        let condition = match step.kind {
            Kind::Action { .. } => format!("{name} is not none and {name}.n > 1"),
            _ => "2 > 1".to_owned(),
        };
        step = step.until(&condition, 3_000);
    }
    if dice.one_in(5) {
        step = step.on_uncertain([OnUncertain::Ask, OnUncertain::Redo, OnUncertain::Accept][dice.roll(3)]);
    }
    if dice.one_in(8) {
        step = step.approval(&["ops"], 1 + dice.roll(2) as u32, Some(60_000));
    }
    step.retry(1 + dice.roll(3) as u32)
}
