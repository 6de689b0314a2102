//! The rows of a group, column by column, and the statements that write each table's rows at once.

use std::collections::HashMap;
use std::sync::LazyLock;

use ports::LeaseRequest;
use types::{RunId, TenantId, Timestamp};

use crate::convert::int;
use crate::sql::{Insert, Value};
use crate::table::append::PreparedAppend;
use crate::table::inbox::PreparedPost;
use crate::table::rows::{PreparedNew, PreparedRows};
use crate::table::{approvals, artifacts, dead_letters, feed, journal, leaves, runs, snapshots, steps};

/// Runs that begin. One that another node has begun meanwhile fails the group, which is then judged anew.
static BEGIN: LazyLock<Insert> = LazyLock::new(|| Insert::new("runs", &runs::COLUMNS_PUT, ""));

/// Takes messages out of the inbox and remembers their ids.
const CONSUME: &str = "WITH gone AS (
        DELETE FROM inbox USING unnest(?1::bytea[], ?2::bytea[], ?3::bytea[]) AS one (tenant_id, run_id, inbox_id)
        WHERE inbox.tenant_id = one.tenant_id AND inbox.run_id = one.run_id AND inbox.inbox_id = one.inbox_id)
    INSERT INTO inbox_done (tenant_id, run_id, inbox_id)
    SELECT * FROM unnest(?1::bytea[], ?2::bytea[], ?3::bytea[]) ON CONFLICT DO NOTHING";

/// Moves runs on. A message that waits keeps a run claimable, whatever its row says.
const ADVANCE: &str = "UPDATE runs SET status = one.status, phase = one.phase,
        needs_attention = one.needs_attention, finished_at = one.finished_at, failure = one.failure,
        outputs = one.outputs, waiting_for = one.waiting_for,
        wake_at = CASE WHEN EXISTS (SELECT 1 FROM inbox
            WHERE inbox.tenant_id = one.tenant_id AND inbox.run_id = one.run_id) THEN 0 ELSE one.wake_at END,
        head = one.head, claims = CASE WHEN one.resets = 1 THEN 0 ELSE claims END,
        lease_boot = CASE WHEN one.releases = 1 THEN NULL ELSE lease_boot END,
        lease_until = CASE WHEN one.releases = 1 THEN NULL ELSE lease_until END
    FROM unnest(?1::bytea[], ?2::bytea[], ?3::text[], ?4::text[], ?5::bigint[], ?6::bigint[], ?7::text[],
            ?8::text[], ?9::text[], ?10::bigint[], ?11::bigint[], ?12::bigint[], ?13::bigint[])
        AS one (tenant_id, run_id, status, phase, needs_attention, finished_at, failure, outputs, waiting_for,
            wake_at, head, resets, releases)
    WHERE runs.tenant_id = one.tenant_id AND runs.run_id = one.run_id";

/// Posts, once per id, and makes the runs claimable.
const POST: &str = "WITH new AS (
        INSERT INTO inbox (tenant_id, run_id, inbox_id, at, message)
        SELECT * FROM unnest(?1::bytea[], ?2::bytea[], ?3::bytea[], ?4::bigint[], ?5::text[])
            AS one (tenant_id, run_id, inbox_id, at, message)
        WHERE NOT EXISTS (SELECT 1 FROM inbox_done AS done WHERE done.tenant_id = one.tenant_id
            AND done.run_id = one.run_id AND done.inbox_id = one.inbox_id)
        ON CONFLICT (tenant_id, run_id, inbox_id) DO NOTHING
        RETURNING tenant_id, run_id, at),
    earliest AS (SELECT tenant_id, run_id, min(at) AS at FROM new GROUP BY tenant_id, run_id)
    UPDATE runs SET wake_at = least(wake_at, earliest.at) FROM earliest
    WHERE runs.tenant_id = earliest.tenant_id AND runs.run_id = earliest.run_id";

/// Rows of one statement.
#[derive(Debug)]
pub(super) struct Columns<'j> {
    pub(super) sql: &'j str,
    /// Each as long as the others.
    pub(super) values: Vec<Vec<Value<'j>>>,
}

/// Every row of a group, by the statement that writes it.
#[derive(Debug, Default)]
pub(super) struct Rows<'j> {
    consumed: Vec<Vec<Value<'j>>>,
    advanced: Vec<Vec<Value<'j>>>,
    begun: Vec<Vec<Value<'j>>>,
    events: Vec<Vec<Value<'j>>>,
    steps: Vec<Vec<Value<'j>>>,
    artifacts: Vec<Vec<Value<'j>>>,
    approvals: Vec<Vec<Value<'j>>>,
    leaves: Vec<Vec<Value<'j>>>,
    snapshots: Vec<Vec<Value<'j>>>,
    letters: Vec<Vec<Value<'j>>>,
    posts: Vec<Vec<Value<'j>>>,
    notes: Vec<Vec<Value<'j>>>,
}

impl<'j> Rows<'j> {
    pub(super) fn append(&mut self, append: &'j PreparedAppend) {
        let advance = &append.advance;
        let (tenant, run) = (&advance.lease.tenant, &advance.lease.run);
        for id in &append.consumed {
            push(
                &mut self.consumed,
                &[
                    tenant.as_bytes().into(),
                    run.as_bytes().into(),
                    id.as_bytes().into(),
                ],
            );
        }
        let prepared = &append.rows.run;
        let row = &prepared.row;
        push(
            &mut self.advanced,
            &[
                tenant.as_bytes().into(),
                run.as_bytes().into(),
                row.status.as_str().into(),
                row.phase.map(|phase| phase.as_str()).into(),
                row.needs_attention.into(),
                row.finished_at.map(Timestamp::as_millis).into(),
                prepared.failure.as_ref().into(),
                (&prepared.outputs).into(),
                (&row.waiting_for).into(),
                row.wake_at.as_millis().into(),
                int(advance.head).into(),
                (advance.head > advance.expected_head || advance.release).into(),
                advance.release.into(),
            ],
        );
        for event in &append.events {
            push(&mut self.events, &event.values(tenant, run));
        }
        self.others(&append.rows, tenant, run);
        if let Some(snapshot) = &append.snapshot {
            push(&mut self.snapshots, &snapshots::values(tenant, run, snapshot));
        }
        if let Some(letter) = &append.dead_letter {
            push(&mut self.letters, &letter.values());
        }
    }

    pub(super) fn create(&mut self, new: &'j PreparedNew, lease: Option<(LeaseRequest, u64)>) {
        let head = new.events.len() as u64;
        push(
            &mut self.begun,
            &new.rows.run.values(head, new.start_key.as_deref(), lease),
        );
        for event in &new.events {
            push(&mut self.events, &event.values(&new.tenant, &new.run));
        }
        self.others(&new.rows, &new.tenant, &new.run);
    }

    pub(super) fn post(&mut self, post: &'j PreparedPost) {
        push(
            &mut self.posts,
            &[
                post.tenant.as_bytes().into(),
                post.run.as_bytes().into(),
                post.id.as_bytes().into(),
                post.at.as_millis().into(),
                (&post.message).into(),
            ],
        );
    }

    /// The statements in the order in which they must happen: messages are taken out before a run's row
    /// asks whether any are left, and runs are there before they are posted to.
    pub(super) fn statements(self) -> Vec<Columns<'j>> {
        let many = |insert: &'static LazyLock<Insert>| insert.many.as_str();
        [
            (many(&BEGIN), self.begun),
            (CONSUME, self.consumed),
            (ADVANCE, self.advanced),
            (many(&journal::PUT), self.events),
            (many(&steps::PUT), last_of(self.steps, 3)),
            (many(&artifacts::PUT), self.artifacts),
            (many(&approvals::PUT), last_of(self.approvals, 2)),
            (many(&leaves::PUT), self.leaves),
            (many(&snapshots::PUT), self.snapshots),
            (many(&dead_letters::PUT), last_of(self.letters, 2)),
            (POST, self.posts),
            (many(&feed::PUT), self.notes),
        ]
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(sql, values)| Columns { sql, values })
        .collect()
    }

    fn others(&mut self, rows: &'j PreparedRows, tenant: &'j TenantId, run: &'j RunId) {
        for step in &rows.steps {
            push(&mut self.steps, &step.values(tenant, run));
        }
        for artifact in &rows.artifacts {
            push(&mut self.artifacts, &artifact.values(tenant));
        }
        for approval in &rows.approvals {
            push(&mut self.approvals, &approval.values(tenant));
        }
        for leaf in &rows.leaves {
            push(&mut self.leaves, &leaf.values(tenant));
        }
        for note in &rows.notes {
            push(&mut self.notes, &note.values(tenant));
        }
    }
}

fn push<'j>(columns: &mut Vec<Vec<Value<'j>>>, row: &[Value<'j>]) {
    if columns.is_empty() {
        columns.resize_with(row.len(), Vec::new);
    }
    for (column, value) in columns.iter_mut().zip(row) {
        column.push(*value);
    }
}

/// Of rows with the same first `key` columns only the last: one statement can't replace a row twice.
fn last_of<'j>(columns: Vec<Vec<Value<'j>>>, key: usize) -> Vec<Vec<Value<'j>>> {
    let Some(count) = columns.first().map(Vec::len) else {
        return columns;
    };
    let of =
        |index: usize| -> Vec<Value<'j>> { columns.iter().take(key).map(|column| column[index]).collect() };
    let last: HashMap<Vec<Value<'j>>, usize> = (0..count).map(|index| (of(index), index)).collect();
    if last.len() == count {
        return columns;
    }
    let keep: Vec<bool> = (0..count)
        .map(|index| last.get(&of(index)) == Some(&index))
        .collect();
    columns
        .into_iter()
        .map(|column| {
            let kept = column.into_iter().zip(&keep).filter(|(_, keep)| **keep);
            kept.map(|(value, _)| value).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_row_that_comes_twice_the_last_is_kept() {
        let mut columns = Vec::new();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
            push(&mut columns, &[key.into(), Value::Int(value)]);
        }
        assert_eq!(
            last_of(columns, 1),
            vec![
                vec![Value::Text("b"), Value::Text("a")],
                vec![Value::Int(2), Value::Int(3)]
            ]
        );
        assert_eq!(last_of(Vec::new(), 1), Vec::<Vec<Value<'_>>>::new());
    }
}
