//! `agentops bench door`: how long the pure decision about one call takes, with many rules in force.

use clap::Args;
use governance::{Facts, Matrix, Request, Rule, Schemas, Verdict};
use runtime::system::Stopwatch;
use serde::Serialize;
use serde_json::json;
use testkit::bench;
use types::{Actor, Failure, Label, Labeled, Mode, RunId, Timestamp};

use crate::commands::Done;
use crate::compose::{Access, App};
use crate::exit::Exit;
use crate::output::{Output, Style, table};

/// Rules of the installation, besides those that ship.
const RULES: usize = 100;
/// Decisions timed together, so that reading the clock counts for nothing.
const TOGETHER: u32 = 100;

/// The decision of the door about one call
#[derive(Debug, Args)]
pub struct Door {
    /// How many decisions
    #[arg(long, default_value_t = 200_000, value_name = "TIMES")]
    pub times: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Report {
    times: u32,
    rules: usize,
    p50_us: f64,
    p95_us: f64,
    p99_us: f64,
}

impl Door {
    /// Runs it over the catalogue of the built-in tools.
    ///
    /// # Errors
    /// The catalogue can't be read.
    pub async fn run(&self, output: Output) -> Done {
        let scratch = testkit::scratch().map_err(|error| crate::commands::chaos::failed(&error))?;
        let app = App::open(
            super::config_of(testkit::Place::folder(scratch.path()))?,
            Access::Create,
        )
        .await?;
        let catalog = app.services.tools.catalog();
        let now = app.services.clock.now();
        app.close().await;
        let found = catalog.find("zoom.restart_room");
        let types::Lookup::Found(action) = found else {
            return Err(Failure::new(
                "unknown_action",
                "the catalogue has no zoom.restart_room",
            ));
        };
        let rules = (0..RULES).map(|n| (format!("tool-{n}.action"), Rule::ask()));
        let facts = Facts {
            matrix: Matrix {
                overrides: rules.chain([(action.name(), Rule::Run)]).collect(),
                ..Matrix::default()
            },
            ..Facts::default()
        };
        let schemas = Schemas::new(&catalog);
        let mut spans = self.measure(action, &facts, &schemas, now)?;
        let mut at = |percent| bench::percentile(&mut spans, percent);
        let report = Report {
            times: self.times,
            rules: RULES,
            p50_us: at(50),
            p95_us: at(95),
            p99_us: at(99),
        };
        output.last_line(&report, |style| page(&report, style))?;
        Ok(Exit::Ok)
    }

    /// Microseconds of a decision.
    fn measure(
        &self,
        action: &types::ActionSpec,
        facts: &Facts,
        schemas: &Schemas,
        now: Timestamp,
    ) -> Result<Vec<f64>, Failure> {
        let args = Labeled::new(json!({"room_id": "ZR-101"}), Label::System);
        let digest = types::digest(&args.value);
        let requester = Actor::user("bench");
        let request = Request {
            run: RunId::from_bytes([1; 16]),
            step: "act/restart",
            attempt: 1,
            action,
            args: &args,
            digest: &digest,
            key: "key",
            mode: Mode::Mock,
            requester: &requester,
            now,
            author: None,
            granted: None,
        };
        let mut spans = Vec::new();
        for _ in 0..self.times.div_ceil(TOGETHER) {
            let watch = Stopwatch::start();
            for _ in 0..TOGETHER {
                let verdict = governance::decide(std::hint::black_box(&request), facts, schemas);
                if !matches!(std::hint::black_box(verdict), Verdict::Permit(_)) {
                    return Err(Failure::new(
                        "internal",
                        "the door refused the call of the benchmark",
                    ));
                }
            }
            spans.push(watch.elapsed().as_secs_f64() * 1e6 / f64::from(TOGETHER));
        }
        Ok(spans)
    }
}

fn page(report: &Report, style: Style) -> String {
    let row = vec![
        format!("schema and {} rules", report.rules),
        format!("{:.2} µs", report.p50_us),
        format!("{:.2} µs", report.p95_us),
        format!("{:.2} µs", report.p99_us),
    ];
    table(style, &["one decision", "p50", "p95", "p99"], vec![row], "")
}
