//! A mock server that can be dropped anywhere. Its own drop blocks its thread on a lock of tokio's, and
//! waits for ever in a task whose budget is used up; so it happens on a thread that is no task.

use std::ops::Deref;
use std::panic::resume_unwind;
use std::thread;

use wiremock::MockServer;

pub struct Peer(Option<MockServer>);

impl Peer {
    pub async fn start() -> Self {
        Self(Some(MockServer::start().await))
    }
}

impl Deref for Peer {
    type Target = MockServer;

    fn deref(&self) -> &MockServer {
        self.0.as_ref().expect("only a drop takes it")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let server = self.0.take();
        // What was expected and didn't come is told by a panic.
        if let Err(panic) = thread::spawn(move || drop(server)).join()
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}
