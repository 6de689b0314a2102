//! Load inside this process: the real runtime, door and store, and calls that cost nothing.

use std::sync::Arc;
use std::time::Duration;

use engine::event::RecipeRef;
use ports::{Runs, Tools};
use runtime::system::{Stopwatch, SystemClock, SystemEntropy};
use runtime::{Handle, Runtime};
use serde::Serialize;
use serde_json::{Value, json};
use store::Opened;
use tokio::sync::mpsc;
use types::RunId;

use super::tools::BenchTools;
use super::{millis, percentile, rounded};
use crate::start::{Maker, Permissive};
use crate::{Error, Place};

/// Steps of a run.
const STEPS: usize = 4;
/// Runs before anything is measured, for each that runs at the same time.
const WARM_UP: usize = 3;

/// What one concurrency gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Runs at the same time.
    pub concurrency: usize,
    /// Durable steps a second.
    pub steps_per_s: f64,
    /// From asking for a run of four steps to its end.
    pub p50_ms: f64,
    /// The same.
    pub p99_ms: f64,
    /// Steps a second of the peer, with the same load right after ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_steps_per_s: Option<f64>,
}

/// A server in this process.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) maker: Maker,
    pub(super) handle: Handle,
    store: Opened,
    recipe: RecipeRef,
}

impl Bench {
    pub(super) async fn start(place: &Place, tools: BenchTools, steps: &[Value]) -> Result<Self, Error> {
        Self::checked(place, tools, steps, &[]).await
    }

    /// With steps that verify.
    pub(super) async fn checked(
        place: &Place,
        tools: BenchTools,
        steps: &[Value],
        verify: &[Value],
    ) -> Result<Self, Error> {
        let store = place.open().await?;
        let maker = Maker {
            store: store.shared(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let text = json!({"name": "bench", "intake": [], "plan": [], "act": steps, "verify": verify});
        let recipe = maker.save("bench", text.to_string(), &tools.catalog()).await?;
        let mut options = runtime::Options::new(
            Arc::clone(&maker.store),
            Arc::new(tools),
            Arc::new(Permissive),
            Arc::clone(&maker.clock),
            Arc::clone(&maker.entropy),
        );
        options.calls_per_tool = 1_024;
        options.calls_per_recipe = 1_024;
        let handle = Runtime::start(options)?;
        Ok(Self {
            maker,
            handle,
            store,
            recipe,
        })
    }

    /// Starts a run and waits until it has ended or waits.
    pub(super) async fn run(&self) -> Result<RunId, Error> {
        let new = self.maker.run(&self.recipe, json!({}), 1, None)?;
        let created = self.handle.start(new).await?;
        self.handle.until_idle(created.run).await;
        Ok(created.run)
    }

    /// Starts a run.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        let new = self.maker.run(&self.recipe, json!({}), 1, None)?;
        self.handle.start(new).await?;
        Ok(())
    }

    pub(super) async fn stop(self) {
        self.handle.shutdown(Duration::from_secs(5)).await;
        self.store.close().await;
    }
}

/// The steps of a run.
pub(super) fn steps() -> Vec<Value> {
    (0..STEPS)
        .map(|n| json!({"id": format!("s{n}"), "action": "bench.step", "with": {"n": n}}))
        .collect()
}

/// Keeps `concurrency` runs going for `length`.
pub(super) async fn load(place: &Place, concurrency: usize, length: Duration) -> Result<Load, Error> {
    let bench = Bench::start(place, BenchTools::new(Duration::ZERO, None), &steps()).await?;
    turns(&bench, concurrency, |done, _| done < WARM_UP).await?;
    let watch = Stopwatch::start();
    let mut times = turns(&bench, concurrency, move |_, watch| watch.elapsed() < length).await?;
    let seconds = watch.elapsed().as_secs_f64();
    bench.stop().await;
    Ok(Load {
        concurrency,
        steps_per_s: rounded(to_f64(times.len() * STEPS) / seconds),
        p50_ms: percentile(&mut times, 50),
        p99_ms: percentile(&mut times, 99),
        peer_steps_per_s: None,
    })
}

/// So many at a time start runs one after another while `on` says so of the count and the time; how
/// long each run took, in milliseconds.
async fn turns(
    bench: &Bench,
    concurrency: usize,
    on: impl Fn(usize, &Stopwatch) -> bool + Copy + Send + 'static,
) -> Result<Vec<f64>, Error> {
    let mut tasks = tokio::task::JoinSet::new();
    let whole = Stopwatch::start();
    for _ in 0..concurrency {
        let bench = bench.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            while on(times.len(), &whole) {
                let watch = Stopwatch::start();
                bench.run().await?;
                times.push(millis(watch.elapsed()));
            }
            Ok::<_, Error>(times)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.append(&mut done.map_err(|error| Error::Other(error.to_string()))??);
    }
    Ok(all)
}

/// From asking for a run to its first call, median of several runs, one after another.
pub(super) async fn start_to_first_step(place: &Place, count: usize) -> Result<f64, Error> {
    let (told, mut calls) = mpsc::unbounded_channel();
    let bench = Bench::start(place, BenchTools::new(Duration::ZERO, Some(told)), &steps()).await?;
    let mut times = Vec::with_capacity(count);
    for turn in 0..count + WARM_UP {
        while calls.try_recv().is_ok() {}
        let watch = Stopwatch::start();
        let run = bench.run();
        let first = async {
            calls.recv().await;
            millis(watch.elapsed())
        };
        let (ran, time) = tokio::join!(run, first);
        ran?;
        if turn >= WARM_UP {
            times.push(time);
        }
    }
    bench.stop().await;
    Ok(percentile(&mut times, 50))
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
