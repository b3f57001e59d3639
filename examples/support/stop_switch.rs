//! The switch that ends a server in order, pulled from any OS thread.
//!
//! It closes the listener, and the accept that waits on it fails with `NotConnected`.

use greenroom::net::TcpListener;
use greenroom::thread::{self, Thread};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A listener cannot cross OS threads, so a green thread on the server's own hub waits to close it.
pub(crate) struct StopSwitch {
    pulled: Arc<AtomicBool>,
    closer: Thread,
}

impl StopSwitch {
    /// A switch for `listener`.
    pub(crate) fn new(listener: &TcpListener) -> io::Result<StopSwitch> {
        let pulled = Arc::new(AtomicBool::new(false));
        let close = {
            let (listener, pulled) = (listener.try_clone()?, Arc::clone(&pulled));
            move || {
                while !pulled.load(Ordering::Acquire) {
                    thread::park();
                }
                // The listener ends here: whether closing reports an error changes nothing.
                let _ = listener.close();
            }
        };
        let closer = thread::Builder::new().name("stop switch").daemon(true).spawn(close)?.thread().clone();
        Ok(StopSwitch { pulled, closer })
    }

    /// Closes the listener at the next turn of the server's hub.
    pub(crate) fn pull(&self) {
        self.pulled.store(true, Ordering::Release);
        self.closer.unpark();
    }
}
