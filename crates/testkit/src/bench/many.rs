//! Many stored runs, for benchmarks of lists: a few runs that the runtime really carried out, written
//! again under other ids, times and names through the store's own way of creating runs, each with its
//! whole journal, steps and leaves.

use std::sync::Arc;
use std::time::Duration;

use engine::event::AgentRef;
use engine::{Event, Limits, Recorded};
use futures::{StreamExt, TryStreamExt};
use ports::NewRun;
use runtime::system::{SystemClock, SystemEntropy};
use serde_json::json;
use types::{Actor, AgentId, Mode, RunId, TenantId, Timestamp};

use super::load::{Bench, steps};
use super::tools::BenchTools;
use crate::{Error, Place};

/// How many different agents and people the runs have.
const KINDS: u32 = 20;
/// One run in so many failed.
const FAILED: u32 = 20;
/// One run in so many was real.
const REAL: u32 = 1_000;
/// From one run's creation to the next one's, in milliseconds.
const APART: u64 = 1_000;
/// Runs that are written at the same time.
const TOGETHER: usize = 256;
/// How many runs are named to the caller.
const NAMED: u32 = 1_000;
/// The most events of a run that is written again.
const EVENTS: u32 = 1_000;

/// Stores `count` runs that have ended, one each second before `until`: one in twenty failed, one in a
/// thousand was real, and each has one of twenty agents and people. Gives up to a thousand of them,
/// evenly spread, oldest first. `progress` is told how far it is.
///
/// # Errors
/// The place can't be opened or written.
pub async fn fill(
    place: &Place,
    count: u32,
    until: Timestamp,
    progress: &mut (dyn FnMut(String) + Send),
) -> Result<Vec<RunId>, Error> {
    let good = recorded(place, "1 == 1").await?;
    let bad = recorded(place, "1 == 2").await?;
    let opened = place.open().await?;
    let store = opened.shared();
    let agents: Vec<AgentRef> = (0..KINDS).map(agent).collect();
    let mut written = futures::stream::iter(0..count)
        .map(|n| {
            let events = if n % FAILED == 3 { &bad } else { &good };
            let at = until.as_millis() - i64::from(count - n) * APART.cast_signed();
            let new = again(events, n, Timestamp::from_millis(at), &agents);
            let store = Arc::clone(&store);
            async move { Ok::<_, Error>(store.create_run(new?).await?.run) }
        })
        .buffered(TOGETHER);
    let (mut named, mut done) = (Vec::new(), 0);
    let step = (count / NAMED).max(1);
    while let Some(run) = written.try_next().await? {
        if done % step == 0 {
            named.push(run);
        }
        if done % (step * 100) == 0 {
            progress(format!("{done} of {count} runs stored"));
        }
        done += 1;
    }
    drop(written);
    opened.close().await;
    Ok(named)
}

/// The journal of a run of four steps with this check at its end.
async fn recorded(place: &Place, check: &str) -> Result<Vec<Recorded>, Error> {
    let tools = BenchTools::new(Duration::ZERO, None);
    let bench = Bench::checked(place, tools, &steps(), &[json!({"check": check})]).await?;
    let run = bench.run().await?;
    let journal = bench.maker.store.journal(TenantId::DEFAULT, run, 0, EVENTS).await;
    bench.stop().await;
    Ok(journal?)
}

fn agent(n: u32) -> AgentRef {
    AgentRef {
        id: AgentId::new(&SystemClock, &SystemEntropy),
        name: format!("Agent {n}"),
    }
}

/// The same events as those of another run, `n`, that was created at `at`.
fn again(events: &[Recorded], n: u32, at: Timestamp, agents: &[AgentRef]) -> Result<NewRun, Error> {
    let broken = || Error::Other("the recorded run has no beginning".to_owned());
    let Some(Recorded {
        event: Event::RunCreated(first),
        at: began,
        ..
    }) = events.first()
    else {
        return Err(broken());
    };
    let mut created = first.as_ref().clone();
    created.run = RunId::derive(at, &["bench", &n.to_string()]);
    created.agent = agents.get((n % KINDS) as usize).cloned();
    created.requester = Actor::user(format!("person-{}", n % KINDS));
    created.mode = if n % REAL == 7 { Mode::Real } else { Mode::Mock };
    let mut moved: Vec<Recorded> = events.to_vec();
    for recorded in &mut moved {
        let since = recorded.at.as_millis() - began.as_millis();
        recorded.at = Timestamp::from_millis(at.as_millis() + since);
    }
    let mut state = None;
    for (turn, recorded) in moved.iter_mut().enumerate() {
        if turn == 0 {
            recorded.event = Event::RunCreated(Box::new(created.clone()));
        }
        state = engine::evolve(state, recorded);
    }
    let state = state.ok_or_else(broken)?;
    let rows = engine::rows(&state, &moved, at, Limits::default().pause_poll_ms);
    moved.remove(0);
    Ok(NewRun {
        created,
        at,
        more: moved,
        rows,
        start_key: None,
        lease: None,
    })
}
