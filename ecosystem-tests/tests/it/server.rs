//! A server on OS threads of its own, with std's sockets: it knows nothing of green threads.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Listens until it is dropped; each connection has an OS thread.
pub(crate) struct Server {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let ends = Arc::new(AtomicBool::new(false));
        let (asked, serve) = (ends.clone(), Arc::new(serve));
        let accepting = thread::spawn(move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                if asked.load(Ordering::Acquire) {
                    break;
                }
                let stream = stream.expect("a connection");
                // A client that is gone, or a call that a test gave up, keeps nobody.
                stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
                stream.set_nodelay(true).expect("an option");
                let serve = serve.clone();
                serving.push(thread::spawn(move || serve(stream)));
            }
            // One that panicked has closed its connection, which its client has noticed.
            serving.into_iter().for_each(|thread| drop(thread.join()));
        });
        Server { address, ends, accepting: Some(accepting) }
    }

    /// One that accepts, reads, and never answers.
    pub(crate) fn silent() -> Server {
        Server::start(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        // Wakes the accept.
        drop(TcpStream::connect(self.address));
        let accepting = self.accepting.take().expect("started");
        drop(accepting.join());
    }
}
