//! The signals that ask a process to end.

/// Done when SIGINT or SIGTERM arrives. Both are caught from this call on, not only once somebody
/// waits: a server that has just said that it is there must already end in good order.
pub fn asked_to_end() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        let (mut interrupt, mut terminate) =
            (caught(SignalKind::interrupt()), caught(SignalKind::terminate()));
        async move {
            tokio::select! {
                () = one(&mut interrupt) => {}
                () = one(&mut terminate) => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(unix)]
fn caught(kind: tokio::signal::unix::SignalKind) -> Option<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(kind)
        .inspect_err(|error| tracing::warn!(%error, "a signal can't be caught"))
        .ok()
}

/// Done when the signal arrives; never, if it can't be caught.
#[cfg(unix)]
async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
