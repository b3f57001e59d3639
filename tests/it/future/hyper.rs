//! A library written for `async` runs unchanged: hyper serves HTTP/1.1 over our stream, in a green thread.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use greenroom::executor::ThreadPoolExecutor;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::{JoinHandle, block_on, spawn, unblock};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use crate::support;

const REQUESTS: usize = 100;

/// Our stream as hyper wants one: a read is a green thread of its own, whose handle is the future.
struct Polled {
    stream: Rc<TcpStream>,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl hyper::rt::Read for Polled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut place: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let (stream, room) = (self.stream.clone(), place.remaining());
        let reading = self.reading.get_or_insert_with(|| {
            spawn(move || {
                let mut bytes = vec![0; room.min(4096)];
                let length = (&*stream).read(&mut bytes)?;
                bytes.truncate(length);
                Ok(bytes)
            })
        });
        let read = ready!(Pin::new(reading).poll(context)).map_err(io::Error::other);
        self.reading = None;
        place.put_slice(&read??);
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Polled {
    /// Parks the green thread that polls, if the peer is slow to read.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready((&*self.stream).write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.shutdown(std::net::Shutdown::Write))
    }
}

/// Sends requests one after the other over one connection; returns the bodies.
fn client(address: std::net::SocketAddr) -> io::Result<Vec<String>> {
    let mut stream = BufReader::new(std::net::TcpStream::connect(address)?);
    let mut bodies = Vec::new();
    for n in 0..REQUESTS {
        // In one piece: two small ones would wait for each other's acknowledgement.
        stream.get_mut().write_all(format!("GET /{n} HTTP/1.1\r\nhost: here\r\n\r\n").as_bytes())?;
        let mut length = 0;
        for line in stream.by_ref().lines() {
            let line = line?.to_ascii_lowercase();
            if let Some(number) = line.strip_prefix("content-length: ") {
                length = number.parse().expect("a number");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        bodies.push(String::from_utf8(body).expect("a text"));
    }
    Ok(bodies)
}

#[test]
fn hyper_serves_a_hundred_requests_of_one_connection() {
    support::hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let far = std::thread::spawn(move || client(address).unwrap());
        let (stream, _) = listener.accept().unwrap();
        let pool = ThreadPoolExecutor::new(1);
        let served = Cell::new(0);
        let answer = |request: Request<Incoming>| {
            served.set(served.get() + 1);
            let path = request.uri().path().to_owned();
            // Half of the work is a green thread's, half a pool's.
            let (green, far) = (spawn(move || format!("green{path}")), pool.submit(|| " and far"));
            async move {
                let body = green.await.unwrap() + far.await.unwrap();
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
            }
        };
        let connection = Polled { stream: Rc::new(stream), reading: None };
        block_on(http1::Builder::new().serve_connection(connection, service_fn(answer))).unwrap();
        assert_eq!(served.get(), REQUESTS);
        let bodies = unblock(move || far.join().unwrap());
        assert!(bodies.into_iter().eq((0..REQUESTS).map(|n| format!("green/{n} and far"))));
    });
}
