//! Facts and schemas, kept for a moment: every run asks for them at every step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governance::{Facts, Schemas};
use ports::{FactSource, StoreError, Tools};
use types::{Catalog, Clock, Millis, TenantId, Timestamp};

/// How old kept facts may be, in milliseconds.
const FRESH_MS: Millis = 300;

/// The catalogue with its compiled schemas.
type Compiled = (Arc<Catalog>, Arc<Schemas>);

/// Facts, and how often all were forgotten.
#[derive(Default)]
struct Kept {
    facts: BTreeMap<TenantId, (Timestamp, Arc<Facts>)>,
    forgotten: u64,
}

pub(crate) struct FactsCache {
    source: Arc<dyn FactSource>,
    tools: Arc<dyn Tools>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    schemas: Mutex<Option<Compiled>>,
}

impl FactsCache {
    pub(crate) fn new(source: Arc<dyn FactSource>, tools: Arc<dyn Tools>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            tools,
            clock,
            kept: Mutex::default(),
            schemas: Mutex::default(),
        }
    }

    pub(crate) async fn facts(&self, tenant: TenantId) -> Result<Arc<Facts>, StoreError> {
        let now = self.clock.now();
        let forgotten = {
            let kept = self.kept();
            match kept.facts.get(&tenant) {
                Some((at, facts)) if now.since(*at) < FRESH_MS && *at <= now => return Ok(Arc::clone(facts)),
                _ => kept.forgotten,
            }
        };
        let facts = Arc::new(self.source.facts(tenant).await?);
        let mut kept = self.kept();
        // What was read before a change is good for who asked before it, and not for who asks next.
        if kept.forgotten == forgotten {
            kept.facts.insert(tenant, (now, Arc::clone(&facts)));
        }
        Ok(facts)
    }

    /// They were changed: whoever asks next gets them as they are now.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept();
        kept.facts.clear();
        kept.forgotten += 1;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn catalog(&self) -> Compiled {
        let catalog = self.tools.catalog();
        let mut kept = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, schemas)) = kept.as_ref()
            && Arc::ptr_eq(known, &catalog)
        {
            return (catalog, Arc::clone(schemas));
        }
        let schemas = Arc::new(Schemas::new(&catalog));
        *kept = Some((Arc::clone(&catalog), Arc::clone(&schemas)));
        (catalog, schemas)
    }
}
