//! The crowd of a load run: clients of the hello protocol, all alive before the first message.

use crate::hello;
use crate::latencies::Latencies;
use greenroom::net::{SocketAddr, TcpStream};
use greenroom::thread::{self, Thread};
use greenroom::time::{Duration, Instant, Interval};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::rc::Rc;

/// A server that keeps a client waiting longer has lost its message.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much every client sends.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    Messages(u64),
    Time(Duration),
}

/// What a run has shown.
pub(crate) struct Outcome {
    pub(crate) alive_at_once: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) took: Duration,
    pub(crate) latencies: Latencies,
    /// Why the first client that failed did.
    pub(crate) failure: Option<io::Error>,
}

struct Crowd {
    server: SocketAddr,
    load: Load,
    root: Thread,
    started: Cell<Option<Instant>>,
    alive: Cell<u64>,
    failed: Cell<u64>,
    sent: Cell<u64>,
    answered: Cell<u64>,
    latencies: RefCell<Latencies>,
    failure: RefCell<Option<io::Error>>,
}

/// Sends `clients` at `server`, as the root of a hub.
pub(crate) fn run(server: SocketAddr, clients: u64, load: Load) -> Outcome {
    let crowd = Rc::new(Crowd {
        server,
        load,
        root: thread::current(),
        started: Cell::new(None),
        alive: Cell::new(0),
        failed: Cell::new(0),
        sent: Cell::new(0),
        answered: Cell::new(0),
        latencies: RefCell::new(Latencies::new()),
        failure: RefCell::new(None),
    });
    let members: Vec<_> = (0..clients).map(|_| greenroom::spawn(member(&crowd))).collect();
    while crowd.alive.get() + crowd.failed.get() < clients {
        thread::park();
    }
    let alive_at_once = crowd.alive.get();
    let reporter = greenroom::spawn(progress(&crowd));
    let started = Instant::now();
    crowd.started.set(Some(started));
    members.iter().for_each(|member| member.thread().unpark());
    greenroom::joinall(members).into_iter().for_each(|member| member.expect("a client reports its failure"));
    let took = started.elapsed();
    greenroom::killall(&[reporter]);

    Outcome {
        alive_at_once,
        sent: crowd.sent.get(),
        answered: crowd.answered.get(),
        took,
        latencies: crowd.latencies.replace(Latencies::new()),
        failure: crowd.failure.take(),
    }
}

fn member(crowd: &Rc<Crowd>) -> impl FnOnce() + 'static {
    let crowd = Rc::clone(crowd);
    move || {
        let arrival = crowd.arrive();
        crowd.count_arrival(arrival.is_ok());
        if let Err(error) = arrival.and_then(|stream| crowd.talk(&stream, crowd.wait_for_start())) {
            crowd.failure.borrow_mut().get_or_insert(in_plain_words(error));
        }
    }
}

impl Crowd {
    /// Connects and hears the first `hello`: from then on this client is alive on both sides.
    fn arrive(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        hello::hear(&stream)?;
        Ok(stream)
    }

    fn count_arrival(&self, alive: bool) {
        let count = if alive { &self.alive } else { &self.failed };
        count.set(count.get() + 1);
        self.root.unpark();
    }

    fn wait_for_start(&self) -> Instant {
        loop {
            if let Some(started) = self.started.get() {
                return started;
            }
            thread::park();
        }
    }

    /// One message is `bye` out and the next `hello` back, so the server has seen every one that counts as
    /// answered.
    fn talk(&self, stream: &TcpStream, started: Instant) -> io::Result<()> {
        let mut before = Instant::now();
        let mut messages = 0;
        while !self.load.is_done(messages, before - started) {
            hello::answer(stream)?;
            self.sent.set(self.sent.get() + 1);
            hello::hear(stream)?;
            self.answered.set(self.answered.get() + 1);
            let after = Instant::now();
            self.latencies.borrow_mut().record(after - before);
            before = after;
            messages += 1;
        }
        Ok(())
    }
}

impl Load {
    fn is_done(self, messages: u64, elapsed: Duration) -> bool {
        match self {
            Load::Messages(wanted) => messages >= wanted,
            Load::Time(wanted) => elapsed >= wanted,
        }
    }
}

fn in_plain_words(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the server hung up"),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            io::Error::new(error.kind(), format!("no answer for {PATIENCE:?}"))
        }
        _ => error,
    }
}

/// A line on standard error at the start and every second after it.
fn progress(crowd: &Rc<Crowd>) -> impl FnOnce() + 'static {
    let crowd = Rc::clone(crowd);
    move || {
        let mut second = Interval::new(Duration::from_secs(1));
        let mut before = 0;
        loop {
            let answered = crowd.answered.get();
            eprintln!(
                "{} clients, {answered} messages, {} of them since the last line",
                crowd.alive.get(),
                answered - before
            );
            before = answered;
            second.tick();
        }
    }
}
