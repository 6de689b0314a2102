//! Random orders of claim, append, post, release, time and boot against a small model: no append under
//! a stale epoch is ever accepted, and a journal has neither gaps nor repetitions.

use std::sync::Arc;

use ports::{After, Lease, Store, StoreError};
use proptest::prelude::*;
use types::{InboxId, RunId, Timestamp};

use crate::SqliteBench;
use crate::contract::fixtures::{Bench, TENANT, asleep};

const RUNS: usize = 3;
const LEASE_MS: u64 = 1_000;

#[derive(Debug, Clone)]
enum Op {
    Claim {
        limit: u32,
    },
    /// With the lease number `lease` of all that were ever granted, and a head that may be wrong.
    Append {
        lease: usize,
        off: u64,
        events: u64,
        release: bool,
        sleep: bool,
        consume: bool,
    },
    Post {
        run: usize,
    },
    Release {
        lease: usize,
    },
    Renew {
        lease: usize,
    },
    Wait {
        millis: i64,
    },
    Boot,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1u32..4).prop_map(|limit| Op::Claim { limit }),
        8 => (0usize..6, prop_oneof![5 => Just(0u64), 1 => 1u64..3], 0u64..3, any::<[bool; 3]>()).prop_map(
            |(lease, off, events, [release, sleep, consume])| Op::Append {
                lease, off, events, release, sleep, consume
            }
        ),
        3 => (0..RUNS).prop_map(|run| Op::Post { run }),
        1 => (0usize..6).prop_map(|lease| Op::Release { lease }),
        1 => (0usize..6).prop_map(|lease| Op::Renew { lease }),
        3 => (1i64..1_500).prop_map(|millis| Op::Wait { millis }),
        1 => Just(Op::Boot),
    ]
}

/// What a run should be like.
#[derive(Debug, Clone)]
struct Model {
    run: RunId,
    epoch: u64,
    /// Until when the newest lease holds, if nobody gave it back and no boot voided it.
    held_until: Option<Timestamp>,
    head: u64,
    wake_at: Timestamp,
    inbox: Vec<InboxId>,
}

struct Play {
    bench: SqliteBench,
    store: Arc<dyn Store>,
    runs: Vec<Model>,
    /// Every lease that was ever granted, newest first.
    leases: Vec<Lease>,
}

impl Play {
    async fn start() -> Self {
        let bench = SqliteBench::new();
        let store = bench.boot().await;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            bench.world().clock.advance(1);
            let new = bench.world().new_run();
            let wake_at = new.rows.run.wake_at;
            let run = store.create_run(new).await.expect("created").run;
            runs.push(Model {
                run,
                epoch: 0,
                held_until: None,
                head: 1,
                wake_at,
                inbox: Vec::new(),
            });
        }
        Self {
            bench,
            store,
            runs,
            leases: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        self.bench.world().now()
    }

    fn model(&mut self, lease: Lease) -> &mut Model {
        self.runs
            .iter_mut()
            .find(|model| model.run == lease.run)
            .expect("a known run")
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Claim { limit } => self.claim(limit).await,
            Op::Append {
                lease,
                off,
                events,
                release,
                sleep,
                consume,
            } => {
                if let Some(&lease) = self.leases.get(lease) {
                    self.append(lease, off, events, release, sleep, consume).await;
                }
            }
            Op::Post { run } => self.post(run).await,
            Op::Release { lease } => {
                if let Some(&lease) = self.leases.get(lease) {
                    self.release(lease).await;
                }
            }
            Op::Renew { lease } => {
                if let Some(&lease) = self.leases.get(lease) {
                    self.renew(lease).await;
                }
            }
            Op::Wait { millis } => {
                self.bench.world().clock.advance(millis);
            }
            Op::Boot => {
                self.store = self.bench.boot().await;
                self.runs.iter_mut().for_each(|model| model.held_until = None);
            }
        }
    }

    async fn claim(&mut self, limit: u32) {
        let now = self.now();
        let mut due: Vec<_> = self
            .runs
            .iter()
            .filter(|model| model.wake_at <= now && model.held_until.is_none_or(|until| until < now))
            .map(|model| (model.wake_at, model.run))
            .collect();
        due.sort();
        due.truncate(limit as usize);
        let claims = self.store.claim(now, LEASE_MS, limit).await.expect("claimed");
        let claimed: Vec<_> = claims.iter().map(|claim| claim.lease.run).collect();
        assert_eq!(claimed, due.iter().map(|(_, run)| *run).collect::<Vec<_>>());
        for claim in claims {
            let model = self.model(claim.lease);
            model.epoch += 1;
            model.held_until = Some(now + LEASE_MS);
            assert_eq!(claim.lease.epoch, model.epoch);
            self.leases.insert(0, claim.lease);
        }
    }

    async fn append(
        &mut self,
        lease: Lease,
        off: u64,
        events: u64,
        release: bool,
        sleep: bool,
        consume: bool,
    ) {
        let now = self.now();
        let model = self.model(lease).clone();
        let row = self.store.run(TENANT, lease.run).await.expect("read");
        let mut append = self.bench.world().append(lease, &row, model.head + off, events);
        append.rows.run.wake_at = now;
        if sleep {
            append = asleep(append);
        }
        let wake_at = append.rows.run.wake_at;
        append.after = if release { After::Release } else { After::Keep };
        if consume {
            append.consumed = model.inbox.clone();
        }
        let held = lease.epoch == model.epoch && model.held_until.is_some();
        let expected = match (held, off) {
            (false, _) => Err(StoreError::LeaseLost),
            (true, 0) => Ok(()),
            (true, _) => Err(StoreError::HeadMoved {
                expected: model.head + off,
                actual: model.head,
            }),
        };
        assert_eq!(self.store.append(append).await, expected);
        if expected.is_err() {
            return;
        }
        let model = self.model(lease);
        model.head += events;
        if consume {
            model.inbox.clear();
        }
        model.wake_at = if model.inbox.is_empty() {
            wake_at
        } else {
            Timestamp::from_millis(0)
        };
        if release {
            model.held_until = None;
        }
    }

    async fn post(&mut self, index: usize) {
        let run = self.runs[index].run;
        let post = self.bench.world().post(run);
        self.store.post(post.clone()).await.expect("posted");
        self.store.post(post.clone()).await.expect("posted again");
        let model = &mut self.runs[index];
        model.inbox.push(post.id);
        model.wake_at = model.wake_at.min(post.at);
    }

    async fn release(&mut self, lease: Lease) {
        self.store.release(lease).await.expect("released");
        let model = self.model(lease);
        if lease.epoch == model.epoch && model.held_until.take().is_some() && !model.inbox.is_empty() {
            model.wake_at = Timestamp::from_millis(0);
        }
    }

    async fn renew(&mut self, lease: Lease) {
        let until = self.now() + LEASE_MS;
        let gone = self.store.renew(vec![lease], until).await.expect("renewed");
        let model = self.model(lease);
        let held = lease.epoch == model.epoch && model.held_until.is_some();
        assert_eq!(gone.is_empty(), held);
        if held {
            model.held_until = Some(until);
        }
    }

    async fn check(&self) {
        for model in &self.runs {
            let loaded = self.store.load(TENANT, model.run).await.expect("loaded");
            let seqs: Vec<_> = loaded.events.iter().map(|event| event.seq).collect();
            assert_eq!(
                seqs,
                (1..=model.head).collect::<Vec<_>>(),
                "no gap, nothing twice"
            );
            let row = self.store.run(TENANT, model.run).await.expect("read");
            assert_eq!((row.head, row.wake_at), (model.head, model.wake_at));
            let mut waiting: Vec<_> = loaded.inbox.iter().map(|item| item.id).collect();
            let mut expected = model.inbox.clone();
            waiting.sort();
            expected.sort();
            assert_eq!(waiting, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_stale_epoch_appends_and_no_journal_has_gaps(ops in prop::collection::vec(op(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut play = Play::start().await;
            for op in ops {
                play.step(op).await;
            }
            play.check().await;
        });
    }
}
