//! The heads of requests: what one connection may make the server keep before anybody knows who asks.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{future::Future, io};

use tower::Service;

use crate::places::{Place, Places};

/// The largest head of a request, its line included, in bytes; a larger one is answered with 431.
pub(crate) const LARGEST: usize = 64 * 1024;
/// The largest head that takes no place, in bytes: nearly every head is far smaller.
const SMALL: usize = 8 * 1024;
/// Larger heads on their way at a time, in all and of one address.
const LARGE: usize = 64;
const LARGE_EACH: usize = 16;

/// The places of larger heads.
pub(crate) fn places() -> Places<IpAddr> {
    Places::new(LARGE, LARGE_EACH)
}

/// What a connection has read of a head; its stream and its service share it.
#[derive(Clone)]
pub(crate) struct Head(Arc<Shared>);

struct Shared {
    whose: IpAddr,
    places: Places<IpAddr>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether a request is being worked on: what is read then is its body.
    answering: bool,
    /// Bytes since the last request.
    read: usize,
    place: Option<Place<IpAddr>>,
}

impl Head {
    pub(crate) fn new(whose: IpAddr, places: Places<IpAddr>) -> Self {
        Self(Arc::new(Shared {
            whose,
            places,
            state: Mutex::default(),
        }))
    }

    /// So many more bytes were read.
    ///
    /// # Errors
    /// The head is larger than most, and as many such as there may be are on their way already.
    pub(crate) fn read(&self, bytes: usize) -> io::Result<()> {
        let mut state = self.state();
        if state.answering {
            return Ok(());
        }
        state.read += bytes;
        if state.read > SMALL && state.place.is_none() {
            let place = self.0.places.take(self.0.whose).map_err(|full| {
                tracing::debug!(address = %self.0.whose, ?full, "a connection was closed: there are too many large heads");
                io::Error::from(io::ErrorKind::ConnectionRefused)
            })?;
            state.place = Some(place);
        }
        Ok(())
    }

    fn begin(&self) {
        *self.state() = State {
            answering: true,
            ..State::default()
        };
    }

    /// Nothing is half done under the lock, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's service that says when the head is there and when the answer is.
#[derive(Clone)]
pub(crate) struct Told<S> {
    inner: S,
    head: Head,
}

impl<S> Told<S> {
    pub(crate) fn new(inner: S, head: Head) -> Self {
        Self { inner, head }
    }
}

impl<S, R> Service<R> for Told<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.head.begin();
        let answering = Answering(self.head.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(answering);
            answer
        })
    }
}

/// The next head is counted from when this is dropped, however the answer ends.
struct Answering(Head);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.state().answering = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn small_heads_take_no_place_and_large_ones_only_so_many() {
        let places = places();
        let head = |last| Head::new(address(last), places.clone());
        let mine: Vec<Head> = (0..=LARGE_EACH).map(|_| head(1)).collect();
        for (nth, head) in mine.iter().enumerate() {
            head.read(SMALL).expect("a small head");
            assert_eq!(head.read(1).is_ok(), nth < LARGE_EACH, "{nth}");
            assert_eq!(head.read(SMALL).is_ok(), nth < LARGE_EACH, "{nth}");
        }
        let others: Vec<Head> = (0..LARGE).map(|nth| head(2 + (nth / LARGE_EACH) as u8)).collect();
        let large = others.iter().filter(|head| head.read(SMALL + 1).is_ok());
        assert_eq!(large.count(), LARGE - LARGE_EACH);
        drop(mine);
        let last = others.last().expect("some");
        last.read(1).expect("places come back");
    }

    #[tokio::test]
    async fn bodies_take_no_place_and_a_head_that_is_there_gives_its_place_back() {
        let places = Places::new(1, 1);
        let head = Head::new(address(1), places.clone());
        let waiting = Head::new(address(2), places);
        let read = head.clone();
        let service = tower::service_fn(move |()| {
            let read = read.clone();
            async move { read.read(10 * LARGEST) }
        });
        let mut told = Told::new(service, head.clone());
        head.read(LARGEST).expect("the one place");
        waiting.read(LARGEST).expect_err("there is no other");
        told.call(()).await.expect("a body is no head");
        waiting.read(1).expect("the place is free");
        head.read(LARGEST).expect_err("the next request has a head again");
    }
}
