//! The rivals' HTTP servers, each as its users would write it.

use super::{BODY, greenroom::answer, greeting::Greeting, inbox::Inbox};
use crate::{
    kernel::Epoll,
    rivals,
    serving::{ON_LOOPBACK, announce},
};
use std::{
    convert::Infallible,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
};

/// hyper on tokio's current-thread runtime.
pub(crate) async fn hyper(port: u16) -> io::Result<()> {
    use http_body_util::Full;
    use hyper::{Request, Response, body, header, server::conn::http1, service::service_fn};

    async fn greet(_: Request<body::Incoming>) -> Result<Response<Full<body::Bytes>>, Infallible> {
        let mut response = Response::new(Full::new(body::Bytes::from_static(BODY.as_bytes())));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
        Ok(response)
    }

    let listener = tokio::net::TcpListener::bind((ON_LOOPBACK, port)).await?;
    announce(port, listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let stream = hyper_util::rt::TokioIo::new(stream);
        let mut builder = http1::Builder::new();
        builder.pipeline_flush(true);
        tokio::task::spawn_local(builder.serve_connection(stream, service_fn(greet)));
    }
}

/// may's own small HTTP server, on one worker.
pub(crate) fn may_minihttp(port: u16) -> io::Result<()> {
    use may_minihttp::{HttpServer, HttpService, Request, Response};

    #[derive(Clone)]
    struct Greet;

    impl HttpService for Greet {
        fn call(&mut self, _: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
            response.header("Content-Type: text/plain").body(BODY);
            Ok(())
        }
    }

    rivals::may::one_worker();
    // It does not tell its port: with 0 it gets one that was free just now.
    let free = TcpListener::bind((ON_LOOPBACK, port))?.local_addr()?;
    let server = HttpServer(Greet).start(free)?;
    announce(port, free);
    server.join().map_err(|_| io::Error::other("the server has panicked"))
}

/// The least that the kernel and httparse allow: one thread, one level-triggered epoll, a read and a write a request.
pub(crate) fn epoll(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((ON_LOOPBACK, port))?;
    let mut epoll = Epoll::new()?;
    epoll.add(&listener, listener.as_raw_fd() as usize)?;
    announce(port, listener.local_addr()?);
    // At the index of its descriptor, which is its token too.
    let mut clients: Vec<Option<(TcpStream, Inbox)>> = Vec::new();
    let (mut greeting, mut answers) = (Greeting::new(), Vec::new());
    loop {
        let mut callers = 0;
        for token in epoll.wait(None)? {
            if token == listener.as_raw_fd() as usize {
                callers = 1;
            } else if let Some((stream, inbox)) = &mut clients[token]
                && !answered(stream, inbox, &mut greeting, &mut answers)
            {
                clients[token] = None;
            }
        }
        for _ in 0..callers {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let token = stream.as_raw_fd() as usize;
            epoll.add(&stream, token)?;
            if clients.len() <= token {
                clients.resize_with(token + 1, || None);
            }
            clients[token] = Some((stream, Inbox::new()));
        }
    }
}

/// Answers what has come; false once the conversation is over.
fn answered(
    stream: &mut TcpStream,
    inbox: &mut Inbox,
    greeting: &mut Greeting,
    answers: &mut Vec<u8>,
) -> bool {
    match stream.read(inbox.room()) {
        Ok(0) | Err(_) => return false,
        Ok(length) => inbox.received(length),
    }
    let goes_on = answer(inbox, greeting, answers);
    let written = stream.write_all(answers);
    answers.clear();
    written.is_ok() && goes_on
}
