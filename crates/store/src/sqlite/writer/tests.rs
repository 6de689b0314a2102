//! Groups of writes: each job for itself, whatever one of them does to the transaction.

use std::sync::mpsc as std_mpsc;

use super::*;

/// A writer on a database whose commits fail while `child` names a `parent` that isn't there.
fn start() -> (Writer, JoinHandle<()>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("t.db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA foreign_keys = on; PRAGMA busy_timeout = 0;
             CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);",
        )
        .expect("set up");
    let (writer, thread) = Writer::start(connection).expect("a thread");
    (writer, thread, folder)
}

fn insert(sql: &'static str) -> impl FnMut(&Connection) -> Result<(), Fault> + Send + 'static {
    move |connection| Ok(connection.execute_batch(sql)?)
}

/// Sends `jobs` while the thread is held by a first job, so that they form one group.
async fn as_one_group(writer: &Writer, jobs: Vec<&'static str>) -> Vec<Result<(), StoreError>> {
    let (go, wait) = std_mpsc::channel::<()>();
    let (holds, held) = oneshot::channel();
    let mut holds = Some(holds);
    let first = writer.write(Kind::Other, move |_| {
        if let Some(holds) = holds.take() {
            holds.send(()).expect("the test waits");
        }
        wait.recv().expect("told to go");
        Ok(())
    });
    let group = jobs.into_iter().map(|sql| writer.write(Kind::Other, insert(sql)));
    let group = futures_in_order(group.collect());
    let send_all = async move {
        // Only when the thread is in the first job: sent earlier, they would come into its group.
        held.await.expect("the thread came to the first job");
        let mut group = std::pin::pin!(group);
        // One poll sends all of them; only then may the thread go on.
        let sent =
            std::future::poll_fn(|context| std::task::Poll::Ready(group.as_mut().poll(context).is_pending()));
        assert!(sent.await, "the jobs wait");
        go.send(()).expect("the thread waits");
        group.await
    };
    let (first, results) = tokio::join!(first, send_all);
    first.expect("the first job is done");
    results
}

/// Polls all futures at every wake-up and gives their results in order.
async fn futures_in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let mut results: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (slot, result) in waiting.iter_mut().zip(&mut results) {
            if let Some(future) = slot
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *result = Some(output);
                *slot = None;
            }
        }
        match waiting.iter().all(Option::is_none) {
            true => std::task::Poll::Ready(results.iter_mut().filter_map(Option::take).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}

async fn rows(writer: &Writer) -> i64 {
    let count = writer.write(Kind::Other, |connection| {
        let sql = "SELECT (SELECT count(*) FROM parent) + (SELECT count(*) FROM child)";
        Ok(connection.query_row(sql, [], |row| row.get(0))?)
    });
    count.await.expect("counted")
}

#[tokio::test]
async fn jobs_of_a_group_fail_alone() {
    let (writer, _thread, _folder) = start();
    let jobs = vec![
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO parent VALUES (2)",
    ];
    let results = as_one_group(&writer, jobs).await;
    assert_eq!(results[0], Ok(()));
    assert!(
        matches!(results[1], Err(StoreError::Conflict { .. })),
        "{results:?}"
    );
    assert_eq!(results[2], Ok(()));
    assert_eq!(rows(&writer).await, 2);
}

#[tokio::test]
async fn nothing_of_a_job_that_failed_half_way_is_kept() {
    let (writer, _thread, _folder) = start();
    let jobs = vec![
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO parent VALUES (2); INSERT INTO parent VALUES (1)",
        "INSERT INTO parent VALUES (3)",
        "INSERT INTO parent VALUES (4); INSERT INTO parent VALUES (3)",
    ];
    let results = as_one_group(&writer, jobs).await;
    assert_eq!((&results[0], &results[2]), (&Ok(()), &Ok(())));
    for half in [&results[1], &results[3]] {
        assert!(matches!(half, Err(StoreError::Conflict { .. })), "{results:?}");
    }
    assert_eq!(rows(&writer).await, 2);
}

#[tokio::test]
async fn a_failed_commit_keeps_nothing_of_the_group() {
    let (writer, _thread, _folder) = start();
    let jobs = vec!["INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (9)"];
    let results = as_one_group(&writer, jobs).await;
    for result in &results {
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{results:?}");
    }
    assert_eq!(rows(&writer).await, 0);
    assert_eq!(
        writer
            .write(Kind::Other, insert("INSERT INTO parent VALUES (1)"))
            .await,
        Ok(())
    );
    assert_eq!(rows(&writer).await, 1, "the writer goes on");
}

#[tokio::test]
async fn a_job_that_undoes_the_transaction_takes_no_other_with_it() {
    let (writer, _thread, _folder) = start();
    let jobs = vec![
        "INSERT INTO parent VALUES (1)",
        "INSERT OR ROLLBACK INTO parent VALUES (1)",
        "INSERT INTO parent VALUES (2)",
    ];
    let results = as_one_group(&writer, jobs).await;
    assert_eq!((&results[0], &results[2]), (&Ok(()), &Ok(())));
    assert!(
        matches!(results[1], Err(StoreError::Conflict { .. })),
        "{results:?}"
    );
    assert_eq!(rows(&writer).await, 2);
}

#[tokio::test]
async fn a_busy_database_is_an_answer_and_not_the_end() {
    let (writer, _thread, folder) = start();
    let other = Connection::open(folder.path().join("t.db")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let refused = writer
        .write(Kind::Other, insert("INSERT INTO parent VALUES (1)"))
        .await;
    assert!(refused.expect_err("busy").to_string().contains("busy"));
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(
        writer
            .write(Kind::Other, insert("INSERT INTO parent VALUES (1)"))
            .await,
        Ok(())
    );
}

#[tokio::test]
async fn closing_finishes_what_waits() {
    let (writer, thread, folder) = start();
    let (write, ()) = tokio::join!(
        writer.write(Kind::Other, insert("INSERT INTO parent VALUES (1)")),
        writer.close()
    );
    assert_eq!(write, Ok(()));
    thread.join().expect("the thread ended");
    let late = writer
        .write(Kind::Other, insert("INSERT INTO parent VALUES (2)"))
        .await;
    assert_eq!(late, Err(closed()));
    let raw = Connection::open(folder.path().join("t.db")).expect("it opens");
    let rows: i64 = raw
        .query_row("SELECT count(*) FROM parent", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(rows, 1);
}
