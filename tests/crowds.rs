//! Crowds of connections: very many one after another, and very many at once.
//!
//! What CI runs is a small part; the whole is
//!
//! ```sh
//! cargo test --release --test crowds -- --ignored --nocapture --test-threads 1
//! ```

use std::cell::{Cell, RefCell};
use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddress;
use std::process::{Command, id};
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::os::unix::net::{UnixListener, UnixStream};
use greenroom::sync::{Event, Semaphore};
use greenroom::{JoinHandle, joinall, sleep, spawn, unblock, yield_now};

#[path = "it/net/kernel.rs"]
#[expect(dead_code, reason = "the behaviour tests use the rest")]
mod kernel;
#[path = "crowds/limit.rs"]
mod limit;

/// What is counted belongs to the process: one test at a time. Who takes longer than `patience` is ended with the process.
fn alone<T>(patience: Duration, test: impl FnOnce() -> T) -> T {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (done, over) = channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if over.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            eprintln!("watchdog: it hangs for {patience:?}");
            std::process::abort();
        }
    });
    let value = test();
    drop(done);
    watchdog.join().unwrap();
    value
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many descriptors the hub thinks that its poller knows, and how many the kernel's pollers of this process do know
/// (man 5 proc, fdinfo).
fn registrations(hub: &greenroom::Handle) -> (u64, usize) {
    let texts =
        fs::read_dir("/proc/self/fdinfo").unwrap().flatten().map(|entry| fs::read_to_string(entry.path()));
    let known = texts.flatten().map(|text| text.lines().filter(|line| line.starts_with("tfd:")).count());
    (hub.metrics().descriptors, known.sum())
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

// ----- One after another -----------------------------------------------------------------------------------------

/// Several at a time, so that the numbers of descriptors come back within one look at the poller.
const AT_A_TIME: usize = 64;

#[test]
fn five_thousand_connections_one_after_another_leave_nothing_behind() {
    alone(Duration::from_secs(120), || come_and_go(5_000));
}

#[test]
#[ignore = "takes a minute"]
fn two_hundred_thousand_connections_one_after_another_leave_nothing_behind() {
    alone(Duration::from_secs(1_800), || come_and_go(200_000));
}

fn come_and_go(count: u64) {
    let before = descriptors();
    greenroom::run(|| {
        let tcp = Rc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = tcp.local_addr().unwrap();
        let name = UnixAddress::from_abstract_name(format!("greenroom crowd {}", id())).unwrap();
        let unix = Rc::new(UnixListener::bind_addr(&name).unwrap());
        let servers = [spawn_server(&tcp, |tcp| tcp.accept().map(|(stream, _)| answer(stream)).is_ok()), {
            spawn_server(&unix, |unix| unix.accept().map(|(stream, _)| answer(stream)).is_ok())
        }];
        let round = Round {
            next: Cell::new(0),
            count: Cell::new(AT_A_TIME as u64 * 8),
            killed: Cell::new(0),
            address,
            name,
        };
        let round = Rc::new(round);
        round.play();
        let hub = greenroom::Handle::current();
        let (known, resident, open) = (registrations(&hub), resident_kib(), descriptors());
        round.count.set(count);
        let begun = Instant::now();
        round.play();
        let grown = resident_kib() as i64 - resident as i64;
        println!(
            "{count} connections in {:.1?}, {} of them killed in their wait; {grown} KiB more resident",
            begun.elapsed(),
            round.killed.get()
        );
        assert!(round.killed.get() * 8 >= count, "a quarter is to be killed while it waits");
        assert_eq!(registrations(&hub), known, "registrations");
        assert_eq!(descriptors(), open, "descriptors");
        assert!(grown < 4 << 10, "{grown} KiB more are resident");
        tcp.close().unwrap();
        unix.close().unwrap();
        for server in servers {
            server.join().unwrap();
        }
    });
    assert_eq!(descriptors(), before, "descriptors after the hub's end");
}

/// The wakes of a socket that is gone reach nobody, though a duplicate of its descriptor lives on and something arrives
/// there; and its place with the poller is somebody else's by then.
#[test]
fn what_arrives_for_those_who_are_gone_wakes_nobody() {
    alone(Duration::from_secs(60), || {
        greenroom::run(|| {
            let hub = greenroom::Handle::current();
            let readers = |pairs: &[(UnixStream, UnixStream)]| -> Vec<_> {
                let near = pairs.iter().map(|(near, _)| near.try_clone().unwrap());
                near.map(|mut near| spawn(move || near.read(&mut [0; 8]))).collect()
            };
            let pairs = || (0..AT_A_TIME).map(|_| UnixStream::pair().unwrap()).collect::<Vec<_>>();
            let gone = pairs();
            let waits = readers(&gone);
            sleep(Duration::from_millis(5));
            let copies: Vec<_> =
                gone.iter().map(|(near, _)| near.as_fd().try_clone_to_owned().unwrap()).collect();
            greenroom::killall(&waits);
            let far: Vec<_> = gone.into_iter().map(|(_, far)| far).collect();
            let here = pairs();
            let waits = readers(&here);
            sleep(Duration::from_millis(5));
            let before = hub.metrics().switches;
            for mut far in &far {
                far.write_all(b"for nobody").unwrap();
            }
            sleep(Duration::from_millis(5));
            let switches = hub.metrics().switches - before;
            assert!(switches < AT_A_TIME as u64 / 2, "{switches} wakes of readers for whom nothing has come");
            drop((far, copies, here));
            greenroom::killall(&waits);
        });
    });
}

fn spawn_server<L: 'static>(listener: &Rc<L>, accepts: fn(&L) -> bool) -> JoinHandle<()> {
    let listener = listener.clone();
    spawn(move || while accepts(&listener) {})
}

/// Says back what it is told first, then waits for the end.
fn answer(mut stream: impl Read + Write + 'static) {
    spawn(move || {
        let mut id = [0; 8];
        if stream.read_exact(&mut id).is_ok() && stream.write_all(&id).is_ok() {
            let _end = stream.read(&mut id);
        }
    });
}

struct Round {
    next: Cell<u64>,
    count: Cell<u64>,
    killed: Cell<u64>,
    address: SocketAddr,
    name: UnixAddress,
}

impl Round {
    /// Makes connections up to the count, and waits until the servers have noticed that all are gone.
    fn play(self: &Rc<Round>) {
        let clients = (0..AT_A_TIME).map(|_| {
            let round = self.clone();
            spawn(move || {
                while round.next.get() < round.count.get() {
                    let id = round.next.replace(round.next.get() + 1);
                    round.connect(id);
                }
            })
        });
        for client in joinall(clients) {
            client.unwrap();
        }
        while greenroom::thread::active_count() > 2 {
            yield_now();
        }
    }

    fn connect(self: &Rc<Round>, id: u64) {
        match id % 4 {
            0 | 1 => tell(id, self.tcp()),
            2 => tell(id, UnixStream::connect_addr(&self.name).unwrap()),
            // The answer is on its way, or not even the question, when this one is killed and its number is free.
            _ => {
                let round = self.clone();
                let victim = spawn(move || tell(id, round.tcp()));
                for _ in 0..id % 16 / 4 {
                    yield_now();
                }
                victim.kill();
                if victim.join().is_err() {
                    self.killed.set(self.killed.get() + 1);
                }
            }
        }
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        // Else the ports run out: each would be kept for a minute.
        kernel::linger_no_longer(&stream.as_fd());
        stream
    }
}

/// Tells its own number and hears it: a wake or a byte that belongs to another connection shows.
fn tell(id: u64, mut stream: impl Read + Write) {
    let mut heard = [0; 8];
    stream.write_all(&id.to_be_bytes()).unwrap();
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(u64::from_be_bytes(heard), id);
}

// ----- At once ---------------------------------------------------------------------------------------------------

/// What the other process is told: address, connections, messages.
const LOAD: &str = "GREENROOM_LOAD";
const LONGEST_MESSAGE: usize = 64 << 10;

#[test]
fn three_hundred_connections_at_once_exchange_what_was_sent() {
    alone(Duration::from_secs(120), || hold(300, 20));
}

#[test]
#[ignore = "takes minutes, and 10,000 descriptors in each of two processes"]
fn ten_thousand_connections_at_once_exchange_what_was_sent() {
    alone(Duration::from_secs(3_600), || hold(10_000, 100));
}

/// Serves so many connections on this OS thread while another process sends and compares.
fn hold(connections: usize, messages: usize) {
    if !limit::raise_to(connections as u64 + 200) {
        println!("skipped: this system allows no {connections} descriptors");
        return;
    }
    greenroom::run(|| {
        let listener = TcpListener::builder().backlog(4096).bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let told = format!("{} {connections} {messages}", listener.local_addr().unwrap());
        let mut load = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_other_side", "--ignored", "--nocapture"])
            .env(LOAD, told)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let held: Vec<_> =
            listener.incoming().take(connections).map(|stream| spawn(|| echo(stream.unwrap()))).collect();
        println!("{connections} connections after {:.1?}, on one OS thread", begun.elapsed());
        let bytes: u64 = joinall(held).into_iter().map(|echoed| echoed.unwrap()).sum();
        let ended = unblock(move || load.wait()).unwrap();
        println!("{bytes} bytes echoed in {:.1?}, {} MiB resident", begun.elapsed(), resident_kib() >> 10);
        assert!(ended.success(), "{ended}");
    });
}

fn echo(mut stream: TcpStream) -> u64 {
    let (mut buffer, mut bytes) = ([0; 16 << 10], 0);
    loop {
        let length = stream.read(&mut buffer).unwrap();
        if length == 0 {
            return bytes;
        }
        stream.write_all(&buffer[..length]).unwrap();
        bytes += length as u64;
    }
}

/// The other process: opens all connections, then sends on each, hears and compares.
#[test]
#[ignore = "is started by the tests above"]
fn the_other_side() {
    let Ok(told) = env::var(LOAD) else { return };
    let told: Vec<&str> = told.split(' ').collect();
    let address: SocketAddr = told[0].parse().unwrap();
    let (connections, messages): (usize, usize) = (told[1].parse().unwrap(), told[2].parse().unwrap());
    assert!(limit::raise_to(connections as u64 + 200));
    greenroom::run(|| {
        let load = Rc::new(Load {
            address,
            messages,
            noise: noise(4 * LONGEST_MESSAGE),
            connecting: Semaphore::new(200),
            // What is on its way is the kernel's memory.
            exchanging: Semaphore::new(1_000),
            left_to_connect: Cell::new(connections),
            left_to_exchange: Cell::new(connections),
            all_connected: Event::new(),
            all_exchanged: Event::new(),
            errors: RefCell::default(),
        });
        let clients = (0..connections).map(|seed| {
            let load = load.clone();
            spawn(move || load.run(seed as u64 + 1))
        });
        let bytes: usize = joinall(clients).into_iter().map(Result::unwrap).sum();
        let errors = load.errors.take();
        println!(
            "{connections} connections, {messages} messages each, {bytes} bytes sent, {} errors",
            errors.len()
        );
        assert!(errors.is_empty(), "{errors:?}");
    });
}

struct Load {
    address: SocketAddr,
    messages: usize,
    noise: Vec<u8>,
    connecting: Semaphore,
    exchanging: Semaphore,
    left_to_connect: Cell<usize>,
    left_to_exchange: Cell<usize>,
    all_connected: Event,
    all_exchanged: Event,
    errors: RefCell<Vec<String>>,
}

impl Load {
    /// One connection from beside all others to its end; the bytes it has sent.
    fn run(&self, mut dice: u64) -> usize {
        let mut stream = {
            let _permit = self.connecting.acquire();
            TcpStream::connect(self.address).unwrap()
        };
        count_down(&self.left_to_connect, &self.all_connected);
        let sent = (0..self.messages).map(|_| {
            let _permit = self.exchanging.acquire();
            let length = 1 + roll(&mut dice) as usize % LONGEST_MESSAGE;
            let begin = roll(&mut dice) as usize % (self.noise.len() - length);
            self.exchange(&mut stream, &self.noise[begin..begin + length]);
            length
        });
        let sent = sent.sum();
        count_down(&self.left_to_exchange, &self.all_exchanged);
        sent
    }

    fn exchange(&self, stream: &mut TcpStream, message: &[u8]) {
        let mut heard = [0; 16 << 10];
        let mut exchange = || {
            stream.write_all(message)?;
            for piece in message.chunks(heard.len()) {
                stream.read_exact(&mut heard[..piece.len()])?;
                if &heard[..piece.len()] != piece {
                    return Err(std::io::Error::other("not what was sent"));
                }
            }
            Ok(())
        };
        if let Err(error) = exchange() {
            self.errors.borrow_mut().push(error.to_string());
        }
    }
}

/// Waits until everybody has come as far.
fn count_down(left: &Cell<usize>, all: &Event) {
    left.set(left.get() - 1);
    if left.get() == 0 {
        all.set();
    }
    all.wait();
}

fn noise(length: usize) -> Vec<u8> {
    let mut dice = 0x9E37_79B9_7F4A_7C15;
    (0..length).map(|_| (roll(&mut dice) >> 16) as u8).collect()
}

/// Xorshift.
fn roll(dice: &mut u64) -> u64 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    *dice >> 8
}
