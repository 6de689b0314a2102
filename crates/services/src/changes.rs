//! Changes of what people set up that belong together: gathered with their leaves, each seeing those
//! before it, and made in one transaction.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use engine::rows::Leaf;
use ports::{LibraryChange, SavedVersion};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{Actor, Catalog, ToolSpec};

use crate::{Result, Services, settings};

/// Changes that are all made, or none of them.
pub(crate) struct Changes<'s> {
    /// What they are made with.
    pub(crate) services: &'s Services,
    /// Who makes them.
    pub(crate) by: &'s Actor,
    made: Vec<(LibraryChange, Leaf)>,
    /// Settings that were looked at.
    settings: BTreeMap<&'static str, Looked>,
    catalog: Arc<Catalog>,
}

/// A setting as it was stored when it was looked at, and what it becomes, if it changes.
struct Looked {
    stored: Option<Value>,
    now: Option<Value>,
}

impl<'s> Changes<'s> {
    /// None yet.
    pub(crate) fn new(services: &'s Services, by: &'s Actor) -> Self {
        Self {
            services,
            by,
            made: Vec::new(),
            settings: BTreeMap::new(),
            catalog: services.tools.catalog(),
        }
    }

    /// Adds one; its place among all of them.
    pub(crate) fn push(&mut self, change: LibraryChange, leaf: Leaf) -> usize {
        self.made.push((change, leaf));
        self.made.len() - 1
    }

    /// Whether an agent of this name is among them.
    pub(crate) fn brings_agent(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.made.iter().any(|(change, _)| {
            matches!(change, LibraryChange::Agent { agent, .. } if agent.name.to_lowercase() == name)
        })
    }

    /// From here on there is this tool.
    pub(crate) fn know(&mut self, tool: ToolSpec) {
        self.catalog = Arc::new(with_tools(&self.catalog, vec![tool]));
    }

    /// The tools there are by now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    /// A setting as it is by now.
    pub(crate) async fn setting<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<T> {
        let looked = self.look(key).await?;
        let value = looked.now.as_ref().or(looked.stored.as_ref());
        settings::typed(key, value.cloned())
    }

    /// Changes a setting; it is a conflict if somebody else has done so since it was first looked at here.
    pub(crate) async fn set(&mut self, key: &'static str, value: Value) -> Result<()> {
        settings::check(key, &value)?;
        self.look(key).await?.now = Some(value);
        Ok(())
    }

    async fn look(&mut self, key: &'static str) -> Result<&mut Looked> {
        match self.settings.entry(key) {
            Entry::Occupied(looked) => Ok(looked.into_mut()),
            Entry::Vacant(vacant) => {
                let stored = self.services.store.setting(self.services.tenant, key).await?;
                Ok(vacant.insert(Looked { stored, now: None }))
            }
        }
    }

    /// Makes all of them. What came of each that saves a version, by the place that [`Changes::push`] gave.
    ///
    /// # Errors
    /// `conflict` if somebody else changed one of these things meanwhile, or the store can't be written;
    /// then nothing is changed.
    pub(crate) async fn commit(mut self) -> Result<Vec<Option<SavedVersion>>> {
        for (key, looked) in std::mem::take(&mut self.settings) {
            let Some(value) = looked.now else { continue };
            let body = json!({"key": key, "before": looked.stored, "after": value});
            let leaf = self.services.leaf("setting_changed", self.by, body);
            let change = LibraryChange::Setting {
                key: key.to_owned(),
                value,
                before: Some(looked.stored.unwrap_or(Value::Null)),
            };
            self.push(change, leaf);
        }
        let at_the_door = self.made.iter().any(|(change, _)| {
            matches!(
                change,
                LibraryChange::Setting { .. } | LibraryChange::Tool { .. } | LibraryChange::RemoveTool { .. }
            )
        });
        if self.made.is_empty() {
            return Ok(Vec::new());
        }
        let services = self.services;
        let saved = services.store.change_library(services.tenant, self.made).await?;
        if at_the_door {
            services.runs.forget_facts();
            services.tools.take_up().await?;
        }
        Ok(saved)
    }
}

/// A catalogue with these tools, in the place of those that have their names.
pub(crate) fn with_tools(catalog: &Catalog, tools: Vec<ToolSpec>) -> Catalog {
    let known = |name: &str| tools.iter().any(|tool| tool.name == name);
    let mut all: Vec<ToolSpec> = catalog.tools().cloned().collect();
    all.retain(|tool| !known(&tool.name));
    all.extend(tools);
    Catalog::new(all)
}
