//! The rows: one call each, made so that it parks and nothing but its victim's fate ends it.

mod executor;
mod os;
mod pool;
mod process;
mod queue;
mod server;
mod signal;
mod sync_events;
mod sync_locks;

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use greenroom::thread::{self, scope};
use greenroom::time::{Interval, Timer};
use greenroom::wait::{as_completed, iwait, joinall, killall, try_joinall, wait};
use greenroom::{JoinHandle, sleep, spawn, yield_now};

use super::Manner::{Fallible, FallibleAndBrief, Infallible, Sleep};
use super::{Call, Row, Stage};

const LONG: Duration = Duration::from_secs(86_400);

/// Calls that are no green thread's to make; each with its reason.
pub(super) const NO_WAITS_OF_THEIR_OWN: &[(&str, &str)] = &[
    ("runtime::run", "refused inside a hub; what its root waits for is in the module `runtime`"),
    ("runtime::Runtime::run", "the same"),
    ("runtime::Runtime::turn", "refused on a green thread; see `runtime::embedding`"),
    ("greenlet::Greenlet::switch", "goes to another greenlet of the same green thread; see `greenlet`"),
    ("greenlet::Greenlet::throw", "the same"),
    ("greenlet::Greenlet::kill", "the same"),
    ("generator::Yielder::yield_", "goes to whoever resumed the generator; see `generator`"),
    ("io::Stdin::lock", "needs a standard input of its own; see `io`"),
    ("io::Stdin::read_line", "the same"),
    ("io::Stdin::lines", "the same"),
    ("io::Stdin::read", "the same"),
    ("io::StdinLock::read", "the same"),
    ("io::StdinLock::fill_buf", "the same"),
];

/// All rows.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    let apart =
        [executor::ROWS, os::ROWS, pool::ROWS, process::ROWS, queue::ROWS, server::ROWS, signal::ROWS];
    let of_sync = [sync_events::ROWS, sync_locks::ROWS];
    [ROWS].into_iter().chain(apart).chain(of_sync).flatten()
}

const ROWS: &[Row] = &[
    // thread
    row("thread::sleep", Sleep, |_| plain(|| sleep(LONG))),
    row("thread::sleep_until", Sleep, |_| plain(|| thread::sleep_until(Instant::now() + LONG))),
    row("thread::yield_now", Infallible, |stage| while_on_stage(stage, yield_now)),
    row("thread::park", Infallible, |_| plain(thread::park)),
    row("thread::park_timeout", Infallible, |_| plain(|| thread::park_timeout(LONG))),
    row("thread::scope", Infallible, |_| {
        plain(|| {
            scope(|s| {
                s.spawn(thread::park);
                thread::park();
            })
        })
    }),
    row("thread::JoinHandle::join", Infallible, |stage| with_another(stage, |other| drop(other.join()))),
    row("thread::JoinHandle::wait", Infallible, |stage| with_another(stage, |other| other.wait())),
    row("thread::JoinHandle::wait_timeout", Infallible, |stage| {
        with_another(stage, |other| {
            other.wait_timeout(LONG);
        })
    }),
    row("thread::ScopedJoinHandle::join", Infallible, |_| {
        plain(|| drop(scope(|s| s.spawn(thread::park).join())))
    }),
    row("thread::ScopedJoinHandle::wait", Infallible, |_| plain(|| scope(|s| s.spawn(thread::park).wait()))),
    row("thread::ScopedJoinHandle::wait_timeout", Infallible, |_| {
        plain(|| {
            scope(|s| s.spawn(thread::park).wait_timeout(LONG));
        })
    }),
    // time
    row("time::Interval::tick", Sleep, |_| {
        plain(|| {
            let mut every = Interval::new(LONG);
            every.tick();
            every.tick();
        })
    }),
    row("time::Timer::join", Infallible, |stage| {
        let stage = stage.clone();
        plain(move || {
            let stage = stage.clone();
            Timer::new(Duration::ZERO, move || while_on_stage(&stage, yield_now)().unwrap()).join();
        })
    }),
    // wait
    row("wait::joinall", Infallible, |stage| with_another(stage, |other| drop(joinall([other])))),
    row("wait::try_joinall", Infallible, |stage| with_another(stage, |other| drop(try_joinall([other])))),
    row("wait::as_completed", Infallible, |stage| {
        with_another(stage, |other| {
            as_completed([other]).next();
        })
    }),
    row("wait::wait", Infallible, |stage| with_another(stage, |other| drop(wait(&[&other], None, None)))),
    row("wait::iwait", Infallible, |stage| {
        with_another(stage, |other| {
            iwait(&[&other]).next();
        })
    }),
    row("wait::killall", Infallible, |stage| {
        let victims = [stubborn(stage)];
        // Had it not begun, the kill would end it at once.
        yield_now();
        plain(move || killall(&victims))
    }),
    // net
    row("net::TcpListener::accept", Fallible, |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Box::new(move || listener.accept().map(drop))
    }),
    row("net::Incoming::next", Fallible, |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Box::new(move || listener.incoming().next().expect("it never ends").map(drop))
    }),
    row("net::TcpStream::connect", Fallible, |_| {
        let deaf = DeafListener::new();
        Box::new(move || TcpStream::connect(deaf.address()).map(drop))
    }),
    row("net::TcpStream::connect_timeout", Fallible, |_| {
        let deaf = DeafListener::new();
        Box::new(move || TcpStream::connect_timeout(&deaf.address(), LONG).map(drop))
    }),
    row("net::TcpStream::read", Fallible, |_| {
        with_a_connection(|mut stream| stream.read(&mut [0; 8]).map(drop))
    }),
    row("net::TcpStream::read_vectored", Fallible, |_| {
        with_a_connection(|mut stream| stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).map(drop))
    }),
    row("net::TcpStream::peek", Fallible, |_| with_a_connection(|stream| stream.peek(&mut [0; 8]).map(drop))),
    row("net::TcpStream::write", Fallible, |_| {
        with_a_full_connection(|mut stream| stream.write(&[0; 1 << 16]).map(drop))
    }),
    row("net::TcpStream::write_vectored", Fallible, |_| {
        with_a_full_connection(|mut stream| stream.write_vectored(&[IoSlice::new(&[0; 1 << 16])]).map(drop))
    }),
    row("net::lookup_host", FallibleAndBrief, |_| Box::new(|| lookup_host("localhost:80").map(drop))),
    row("net::ToSocketAddrs::to_socket_addrs", FallibleAndBrief, |_| {
        Box::new(|| ("localhost", 80).to_socket_addrs().map(drop))
    }),
    row("net::TcpListener::bind", FallibleAndBrief, |_| {
        Box::new(|| TcpListener::bind("localhost:0").map(drop))
    }),
    row("net::TcpListenerBuilder::bind", FallibleAndBrief, |_| {
        Box::new(|| TcpListener::builder().bind("localhost:0").map(drop))
    }),
];

const fn row(name: &'static str, manner: super::Manner, prepare: fn(&Rc<Stage>) -> Call) -> Row {
    Row { name, manner, prepare }
}

/// A call that has no error to give.
fn plain(mut call: impl FnMut() + 'static) -> Call {
    Box::new(move || {
        call();
        Ok(())
    })
}

/// A call that returns at once, made again and again.
fn while_on_stage(stage: &Rc<Stage>, call: fn()) -> Call {
    let stage = stage.clone();
    plain(move || {
        while !stage.over.get() && !std::thread::panicking() {
            call();
        }
    })
}

/// A call on the handle of another green thread, which does not end by itself.
fn with_another(stage: &Rc<Stage>, mut call: impl FnMut(JoinHandle<()>) + 'static) -> Call {
    let stage = stage.clone();
    plain(move || {
        let stage = stage.clone();
        call(spawn(move || stay(&stage)));
    })
}

/// One that does not end before the stage is cleared, killed or not: it catches what unwinds it.
fn stubborn(stage: &Rc<Stage>) -> JoinHandle<()> {
    let stage = stage.clone();
    spawn(move || {
        while !stage.over.get() {
            let _caught = catch_unwind(|| sleep(Duration::from_millis(1)));
        }
    })
}

fn stay(stage: &Stage) {
    while !stage.over.get() {
        sleep(Duration::from_millis(1));
    }
}

/// Both ends of a connection on loopback, made by std where nothing parks.
fn connection() -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    (TcpStream::from_std(ours).unwrap(), peer)
}

/// A call on a connection whose peer says nothing.
fn with_a_connection(mut call: impl FnMut(&TcpStream) -> io::Result<()> + 'static) -> Call {
    let (ours, peer) = connection();
    Box::new(move || {
        let _peer = &peer;
        call(&ours)
    })
}

/// A call on a connection whose peer does not read, and whose buffers are full.
fn with_a_full_connection(mut call: impl FnMut(&TcpStream) -> io::Result<()> + 'static) -> Call {
    // TCP makes room again when it likes: late acknowledgements, repetitions, buffers that grow. Another kind of stream stays
    // full, and waits in the same way.
    let (mut ours, peer) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    while ours.write(&[0; 1 << 16]).is_ok() {}
    ours.set_nonblocking(false).unwrap();
    let ours = TcpStream::from_std(std::os::fd::OwnedFd::from(ours).into()).unwrap();
    Box::new(move || {
        let _peer = &peer;
        call(&ours)
    })
}

/// Listens, but its queue of connections is full: who connects waits for an answer.
struct DeafListener {
    listener: TcpListener,
    _queued: Vec<std::net::TcpStream>,
}

impl DeafListener {
    fn new() -> DeafListener {
        let listener = TcpListener::builder().backlog(1).bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        let mut refused = 0;
        // There is room for two where a queue of one is one more; a busy machine may take longer than that for them.
        while refused < if queued.len() < 2 { 10 } else { 1 } {
            match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(30)) {
                Ok(stream) => queued.push(stream),
                Err(_) => refused += 1,
            }
        }
        DeafListener { listener, _queued: queued }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}
