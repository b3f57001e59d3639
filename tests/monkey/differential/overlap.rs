//! Every call that waits lets the others run: all kinds at once on one OS thread take as long as one.

use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use libc::{CLOCK_MONOTONIC, CLOCK_REALTIME, SO_RCVTIMEO, SO_SNDTIMEO, TIMER_ABSTIME};

use crate::libc_calls::{self as c, Sets};
use crate::sockets::{Fd, FullListener, listener, pair, pipe, tcp, udp};
use crate::support;

/// How long each call waits.
const WAIT: Duration = Duration::from_millis(250);
const WAIT_MS: i32 = WAIT.as_millis() as i32;

/// A pair of which the first end gives up waiting after [`WAIT`].
fn limited(which: i32) -> (Fd, Fd) {
    let ends = pair();
    c::set_timeout(ends.0.raw(), which, WAIT).unwrap();
    ends
}

fn limited_tcp() -> (TcpStream, TcpStream) {
    let ends = tcp();
    ends.0.set_read_timeout(Some(WAIT)).unwrap();
    ends
}

fn limited_udp() -> (UdpSocket, UdpSocket) {
    let ends = udp();
    ends.0.set_read_timeout(Some(WAIT)).unwrap();
    ends
}

/// Fills what the kernel holds for an end, so that the next byte waits.
fn full(which: i32) -> (Fd, Fd) {
    let (near, far) = limited(which);
    while c::send(near.raw(), &[0; 4096], libc::MSG_DONTWAIT).is_ok() {}
    (near, far)
}

/// A pipe into which another writes after [`WAIT`]: pipes have no limits.
fn later() -> (Fd, greenroom::JoinHandle<Fd>) {
    let (reader, writer) = pipe();
    let writing = greenroom::spawn(move || {
        greenroom::sleep(WAIT);
        c::write(writer.raw(), b"x").unwrap();
        writer
    });
    (reader, writing)
}

/// A full pipe that another empties after [`WAIT`].
fn emptied_later() -> (Fd, greenroom::JoinHandle<Fd>) {
    let (reader, writer) = pipe();
    c::set_nonblocking(writer.raw(), true).unwrap();
    while c::write(writer.raw(), &[0; 4096]).is_ok() {}
    c::set_nonblocking(writer.raw(), false).unwrap();
    let emptying = greenroom::spawn(move || {
        greenroom::sleep(WAIT);
        c::read(reader.raw(), &mut [0; 65536]).unwrap();
        reader
    });
    (writer, emptying)
}

fn polled(fd: i32) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}

/// A name, and a call that waits for [`WAIT`].
const WAITS: &[(&str, fn())] = &[
    ("thread::sleep", || std::thread::sleep(WAIT)),
    ("nanosleep", || c::nanosleep(c::timespec(WAIT)).0.unwrap()),
    ("usleep", || c::usleep(WAIT.as_micros() as u32).unwrap()),
    ("clock_nanosleep", || c::clock_nanosleep(CLOCK_REALTIME, 0, c::timespec(WAIT)).unwrap()),
    ("clock_nanosleep, absolute", || {
        let until = c::now_on(CLOCK_MONOTONIC) + WAIT;
        c::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, c::timespec(until)).unwrap();
    }),
    ("TcpStream::read", || drop((&limited_tcp().0).read(&mut [0; 4]).unwrap_err())),
    ("TcpStream::peek", || drop(limited_tcp().0.peek(&mut [0; 4]).unwrap_err())),
    ("UdpSocket::recv", || drop(limited_udp().0.recv(&mut [0; 4]).unwrap_err())),
    ("UdpSocket::recv_from", || drop(limited_udp().0.recv_from(&mut [0; 4]).unwrap_err())),
    ("recv", || {
        let (near, _far) = limited(SO_RCVTIMEO);
        c::recv(near.raw(), &mut [0; 4], 0).unwrap_err();
    }),
    ("recv, waitall", || {
        let (near, far) = limited(SO_RCVTIMEO);
        c::send(far.raw(), b"ab", 0).unwrap();
        assert_eq!(c::recv(near.raw(), &mut [0; 4], libc::MSG_WAITALL), Ok(2));
    }),
    ("recvmsg", || {
        let (near, _far) = limited(SO_RCVTIMEO);
        c::recvmsg(near.raw(), &mut [&mut [0; 4]], 0, 0).0.unwrap_err();
    }),
    ("recvfrom", || {
        let (near, _far) = limited_udp();
        c::recvfrom(near.as_raw_fd(), &mut [0; 4], 0).0.unwrap_err();
    }),
    ("read", || {
        let (reader, writing) = later();
        c::read(reader.raw(), &mut [0; 4]).unwrap();
        drop(writing.join());
    }),
    ("readv", || {
        let (reader, writing) = later();
        c::readv(reader.raw(), &mut [&mut [0; 4]]).unwrap();
        drop(writing.join());
    }),
    ("read of a timer", || {
        let timer = Fd(c::timerfd(WAIT).unwrap());
        c::read(timer.raw(), &mut [0; 8]).unwrap();
    }),
    ("write", || {
        let (writer, emptying) = emptied_later();
        c::write(writer.raw(), b"x").unwrap();
        drop(emptying.join());
    }),
    ("writev", || {
        let (writer, emptying) = emptied_later();
        c::writev(writer.raw(), &[b"x"]).unwrap();
        drop(emptying.join());
    }),
    ("send", || {
        let (near, _far) = full(SO_SNDTIMEO);
        c::send(near.raw(), &[0; 1 << 20], 0).unwrap_err();
    }),
    ("sendmsg", || {
        let (near, _far) = full(SO_SNDTIMEO);
        c::sendmsg(near.raw(), &[&[0; 1 << 20]], &[], 0).unwrap_err();
    }),
    ("accept", || {
        let (listener, _) = listener();
        c::set_timeout(listener.as_raw_fd(), SO_RCVTIMEO, WAIT).unwrap();
        c::accept(listener.as_raw_fd()).unwrap_err();
    }),
    ("TcpListener::accept", || {
        let (listener, _) = listener();
        c::set_timeout(listener.as_raw_fd(), SO_RCVTIMEO, WAIT).unwrap();
        listener.accept().unwrap_err();
    }),
    ("connect", || {
        let full = FullListener::new();
        let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM).unwrap());
        c::set_timeout(socket.raw(), SO_SNDTIMEO, WAIT).unwrap();
        c::connect(socket.raw(), full.port).unwrap_err();
    }),
    ("TcpStream::connect_timeout", || {
        let full = FullListener::new();
        TcpStream::connect_timeout(&([127, 0, 0, 1], full.port).into(), WAIT).unwrap_err();
    }),
    ("poll of none", || assert_eq!(c::poll(&mut [], WAIT_MS), Ok(0))),
    ("poll of one", || assert_eq!(c::poll(&mut [polled(pair().0.raw())], WAIT_MS), Ok(0))),
    ("ppoll", || assert_eq!(c::ppoll(&mut [polled(pair().0.raw())], Some(WAIT)), Ok(0))),
    ("select", || {
        let (near, _far) = pair();
        assert_eq!(c::select(&Sets { read: vec![near.raw()], ..Sets::default() }, Some(WAIT)).0, Ok(0));
    }),
    ("select of none", || assert_eq!(c::select(&Sets::default(), Some(WAIT)).0, Ok(0))),
    // The last: what is opened behind it has numbers too high for select.
    ("poll of 1,024", || {
        let pairs: Vec<_> = (0..1024).map(|_| pair()).collect();
        let mut set: Vec<_> = pairs.iter().map(|(near, _)| polled(near.raw())).collect();
        assert_eq!(c::poll(&mut set, WAIT_MS), Ok(0));
    }),
];

#[test]
fn calls_of_every_kind_wait_at_once_on_one_os_thread() {
    greenroom::monkey::patch_all();
    // Each on its own tells which one holds the OS thread: a sleep beside it must not be late.
    for (name, wait) in WAITS {
        support::hub(|| {
            let begin = Instant::now();
            let waiting = greenroom::spawn(wait);
            greenroom::sleep(WAIT / 5);
            let is_over = waiting.is_finished();
            waiting.join().unwrap_or_else(|error| panic!("{name}: {error}"));
            let took = begin.elapsed();
            assert!(
                !is_over,
                "{name} holds the OS thread: a sleep of {:?} beside it ends after it",
                WAIT / 5
            );
            assert!(took + Duration::from_millis(1) >= WAIT, "{name} waits too short: {took:?}");
        });
    }
    let all_at_once = || {
        let begin = Instant::now();
        let waits = WAITS.iter().map(|&(_, wait)| greenroom::spawn(wait));
        greenroom::joinall(waits).into_iter().for_each(|ended| ended.unwrap());
        let took = begin.elapsed();
        println!("{} calls that wait {WAIT:?} each took {took:?}", WAITS.len());
        took
    };
    support::hub(|| support::assert_within(WAIT * WAITS.len() as u32 / 5, all_at_once));
}

#[test]
fn a_second_of_sleep_lets_the_others_run() {
    greenroom::monkey::patch_all();
    support::hub(|| {
        let begin = Instant::now();
        let sleepers = (0..4).map(|_| greenroom::spawn(|| assert_eq!(c::sleep(1), 0)));
        greenroom::joinall(sleepers).into_iter().for_each(|ended| ended.unwrap());
        assert!((1.0..3.9).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
    });
}
