//! The append-only record: in memory for questions, and in a file for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Behaviour, Found, Operation, Order};

/// One request as the ledger saw it. Instants are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// What was asked for.
    pub operation: Operation,
    /// The logical effect.
    pub token: String,
    /// The key or marker that came with it.
    pub key: String,
    /// The attempt that it says it is.
    pub attempt: u32,
    /// When it arrived.
    pub at_ms: i64,
    /// What the script made of it.
    pub behaviour: Behaviour,
    /// When its effect took place, if it did. A repeated key has none of its own.
    pub effect_at_ms: Option<i64>,
}

/// The record.
#[derive(Debug)]
pub struct Book {
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    file: Option<File>,
    received: Vec<Received>,
    /// Keys of `keyed` operations that took effect or will.
    keys: BTreeSet<String>,
    /// Markers and probe keys: how many requests are under way, and whether one took effect.
    marks: BTreeMap<String, (u32, bool)>,
    counts: BTreeMap<String, u32>,
}

impl Book {
    /// An empty record, also written to `file` as JSON lines if there is one.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(Self {
            pages: Mutex::new(Pages {
                file,
                received: Vec::new(),
                keys: BTreeSet::new(),
                marks: BTreeMap::new(),
                counts: BTreeMap::new(),
            }),
        })
    }

    /// How many requests of this effect came before.
    pub(super) fn count(&self, token: &str) -> u32 {
        let mut pages = self.pages();
        let count = pages.counts.entry(token.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// Writes a request down; its number is for the calls below.
    pub(super) fn receive(
        &self,
        operation: Operation,
        order: Order,
        behaviour: Behaviour,
        at_ms: i64,
    ) -> usize {
        let mut pages = self.pages();
        let number = pages.received.len();
        let line = json!({"request": number, "at": at_ms, "operation": operation, "token": order.token,
            "key": order.key, "attempt": order.attempt, "behaviour": behaviour});
        pages.write(&line);
        pages.marks.entry(order.key.clone()).or_default().0 += 1;
        pages.received.push(Received {
            operation,
            token: order.token,
            key: order.key,
            attempt: order.attempt,
            at_ms,
            behaviour,
            effect_at_ms: None,
        });
        number
    }

    /// Whether the request's effect is to take place: not if its key did so before.
    pub(super) fn reserve(&self, number: usize) -> bool {
        let mut pages = self.pages();
        let (operation, key) = (
            pages.received[number].operation,
            pages.received[number].key.clone(),
        );
        match operation {
            Operation::Read => false,
            Operation::Keyed => pages.keys.insert(key),
            _ => true,
        }
    }

    /// The effect of a request takes place now.
    pub(super) fn take_effect(&self, number: usize, at_ms: i64) {
        let mut pages = self.pages();
        pages.write(&json!({"effect_of": number, "at": at_ms}));
        pages.received[number].effect_at_ms = Some(at_ms);
        let key = pages.received[number].key.clone();
        pages.marks.entry(key).or_default().1 = true;
    }

    /// Nothing more will come of the request.
    pub(super) fn settle(&self, number: usize) {
        let mut pages = self.pages();
        let key = pages.received[number].key.clone();
        let mark = pages.marks.entry(key).or_default();
        mark.0 = mark.0.saturating_sub(1);
    }

    /// What is known of a marker.
    pub(super) fn find(&self, key: &str) -> Found {
        match self.pages().marks.get(key) {
            Some((_, true)) => Found::Happened,
            Some((1.., false)) => Found::Pending,
            _ => Found::Absent,
        }
    }

    /// Everything so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.pages().received.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn write(&mut self, line: &serde_json::Value) {
        if let Some(file) = &mut self.file {
            // The file is for people who look into a failure; what counts is asked from memory.
            let _ = writeln!(file, "{line}");
        }
    }
}
