//! A peer that resets, closes, or says nothing.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net as std_net;
use std::rc::Rc;
use std::thread as os_thread;
use std::time::{Duration, Instant};

use greenroom::net::{Shutdown, SocketAddr, TcpStream};
use greenroom::thread;

use super::told;
use crate::net::{A_MOMENT, kernel, pair, std_pair, waited_pair};
use crate::support::hub;

/// More than any pair of socket buffers takes.
const TOO_MUCH: usize = 64 << 20;

/// A stream of std's or of ours.
trait Stream: Read + Write {
    fn shut_down(&self, how: Shutdown) -> io::Result<()>;
    fn pending_error(&self) -> io::Result<Option<io::Error>>;
    fn peer(&self) -> io::Result<SocketAddr>;
    fn limit(&self, timeout: Duration);
    /// Lets the kernel hand an event over and, where there is a hub, the hub take it.
    fn let_it_arrive(&self);
}

macro_rules! stream {
    ($stream:ty, $sleep:path) => {
        impl Stream for $stream {
            fn shut_down(&self, how: Shutdown) -> io::Result<()> {
                self.shutdown(how)
            }

            fn pending_error(&self) -> io::Result<Option<io::Error>> {
                self.take_error()
            }

            fn peer(&self) -> io::Result<SocketAddr> {
                self.peer_addr()
            }

            fn limit(&self, timeout: Duration) {
                self.set_read_timeout(Some(timeout)).unwrap();
                self.set_write_timeout(Some(timeout)).unwrap();
            }

            fn let_it_arrive(&self) {
                $sleep(A_MOMENT);
            }
        }
    };
}

stream!(std_net::TcpStream, os_thread::sleep);
stream!(TcpStream, thread::sleep);

/// What a script saw, step by step.
type Record = Vec<Result<usize, ErrorKind>>;

/// Runs one script on a blocking socket and on ours, each time with a fresh peer, and returns what both recorded.
#[track_caller]
fn same_as_std(script: impl Fn(&mut dyn Stream, std_net::TcpStream) -> Record) -> Record {
    hub(|| {
        let (mut near, far) = std_pair();
        let expected = script(&mut near, far);
        let (mut near, far) = waited_pair();
        let recorded = script(&mut near, far);
        assert_eq!(recorded, expected);
        recorded
    })
}

#[test]
fn a_reset_before_a_read_is_told_once_and_then_is_the_end() {
    let recorded = same_as_std(|near, far| {
        kernel::reset(far);
        near.let_it_arrive();
        (0..3).map(|_| told(near.read(&mut [0; 8]))).collect()
    });
    assert_eq!(recorded, [Err(ErrorKind::ConnectionReset), Ok(0), Ok(0)]);
}

#[test]
fn a_reset_before_a_write_is_told_once_and_then_the_pipe_is_broken() {
    let recorded = same_as_std(|near, far| {
        kernel::reset(far);
        near.let_it_arrive();
        (0..3).map(|_| told(near.write(b"x"))).collect()
    });
    assert_eq!(recorded[0], Err(ErrorKind::ConnectionReset));
    assert_eq!(recorded[2], Err(ErrorKind::BrokenPipe));
}

#[test]
fn a_reset_wakes_a_parked_reader() {
    let recorded = same_as_std(|near, far| {
        let peer = os_thread::spawn(|| {
            os_thread::sleep(A_MOMENT);
            kernel::reset(far);
        });
        let record = vec![told(near.read(&mut [0; 8]))];
        peer.join().unwrap();
        record
    });
    assert_eq!(recorded, [Err(ErrorKind::ConnectionReset)]);
}

#[test]
fn a_reset_wakes_a_parked_writer() {
    let recorded = same_as_std(|near, far| {
        let peer = os_thread::spawn(|| {
            os_thread::sleep(A_MOMENT);
            kernel::reset(far);
        });
        let record = vec![told(near.write_all(&vec![0; TOO_MUCH]).map(|()| TOO_MUCH))];
        peer.join().unwrap();
        record
    });
    assert_eq!(recorded, [Err(ErrorKind::ConnectionReset)]);
}

#[test]
fn a_reset_that_nobody_waits_for_shows_in_the_pending_error() {
    let recorded = same_as_std(|near, far| {
        kernel::reset(far);
        near.let_it_arrive();
        let pending = near.pending_error().unwrap().map_or(Ok(0), |error| Err(error.kind()));
        vec![pending, told(near.peer().map(|_| 0)), told(near.shut_down(Shutdown::Both).map(|()| 0))]
    });
    assert_eq!(
        recorded,
        [Err(ErrorKind::ConnectionReset), Err(ErrorKind::NotConnected), Err(ErrorKind::NotConnected)]
    );
}

#[test]
fn what_arrived_before_a_reset_is_treated_as_stds() {
    same_as_std(|near, mut far| {
        far.write_all(b"last words").unwrap();
        near.let_it_arrive();
        kernel::reset(far);
        near.let_it_arrive();
        (0..3).map(|_| told(near.read(&mut [0; 4]))).collect()
    });
}

#[test]
fn a_peer_that_closes_with_unread_data_resets_as_stds() {
    let recorded = same_as_std(|near, far| {
        let mut record = vec![told(near.write(b"never read"))];
        near.let_it_arrive();
        drop(far);
        near.let_it_arrive();
        record.extend((0..2).map(|_| told(near.read(&mut [0; 8]))));
        record
    });
    assert_eq!(recorded[1], Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_peer_that_closes_is_the_end_for_readers_and_an_error_for_writers() {
    let recorded = same_as_std(|near, mut far| {
        far.write_all(b"bye").unwrap();
        drop(far);
        near.let_it_arrive();
        let mut record: Record = (0..2).map(|_| told(near.read(&mut [0; 8]))).collect();
        record.push(told(near.write(b"x")));
        near.let_it_arrive();
        record.push(told(near.write(b"x")));
        record.push(told(near.read(&mut [0; 8])));
        record
    });
    assert_eq!(recorded[..3], [Ok(3), Ok(0), Ok(1)]);
    assert_eq!(recorded[3], Err(ErrorKind::BrokenPipe));
}

#[test]
fn shutting_down_twice_after_a_reset_and_both_ways_is_as_stds() {
    for how in [Shutdown::Read, Shutdown::Write, Shutdown::Both] {
        same_as_std(|near, mut far| {
            let mut record: Record = (0..2).map(|_| told(near.shut_down(how).map(|()| 0))).collect();
            near.let_it_arrive();
            if how == Shutdown::Read {
                // A socket that reads no more still receives.
                record.push(told(near.read(&mut [0; 8])));
                far.write_all(b"late").unwrap();
                near.let_it_arrive();
                record.push(told(near.read(&mut [0; 8])));
            }
            record.push(told(near.write(b"x")));
            kernel::reset(far);
            near.let_it_arrive();
            record.push(told(near.shut_down(how).map(|()| 0)));
            record
        });
    }
}

#[test]
fn a_write_after_ones_own_shutdown_is_a_broken_pipe() {
    let recorded = same_as_std(|near, _far| {
        near.shut_down(Shutdown::Write).unwrap();
        vec![told(near.write(b"x")), told(near.write_vectored(&[IoSlice::new(b"x")]))]
    });
    assert_eq!(recorded, [Err(ErrorKind::BrokenPipe); 2]);
}

#[test]
fn a_shutdown_wakes_a_parked_writer() {
    hub(|| {
        let (near, _far) = pair();
        let near = Rc::new(near);
        let writer = greenroom::spawn({
            let near = near.clone();
            move || told((&*near).write_all(&vec![0; TOO_MUCH]))
        });
        thread::sleep(A_MOMENT);
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(writer.join().unwrap(), Err(ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_dead_peer_is_never_a_signal() {
    hub(|| {
        kernel::with_deadly_sigpipe(|| {
            for _ in 0..100 {
                let (mut near, far) = pair();
                kernel::reset(far);
                thread::sleep(Duration::from_micros(200));
                for _ in 0..3 {
                    near.write(b"x").unwrap_err();
                    near.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]).unwrap_err();
                }
            }
        });
    });
}

#[test]
fn a_silent_peer_ends_a_read_with_a_timeout_as_would_block_as_stds() {
    fn script(near: &mut dyn Stream) -> Record {
        (0..2).map(|_| told(near.read(&mut [0; 8]))).collect()
    }

    hub(|| {
        let (mut near, _far) = std_pair();
        near.set_read_timeout(Some(A_MOMENT)).unwrap();
        let expected = script(&mut near);
        assert_eq!(expected, [Err(ErrorKind::WouldBlock); 2]);
        let (near, _far) = pair();
        // Set by one handle, it binds the others.
        let mut clone = near.try_clone().unwrap();
        near.set_read_timeout(Some(A_MOMENT)).unwrap();
        let started = Instant::now();
        assert_eq!(script(&mut clone), expected);
        assert!(started.elapsed() >= 2 * A_MOMENT);
        assert_eq!(told(clone.peek(&mut [0; 8])), Err(ErrorKind::WouldBlock));
    });
}

#[test]
fn a_peer_that_does_not_read_ends_a_write_with_a_timeout_as_would_block_as_stds() {
    let recorded = same_as_std(|near, far| {
        let _silent = far;
        near.limit(A_MOMENT);
        vec![told(near.write_all(&vec![0; TOO_MUCH]).map(|()| TOO_MUCH))]
    });
    assert_eq!(recorded, [Err(ErrorKind::WouldBlock)]);
}

#[test]
fn a_read_after_a_timeout_gets_what_came_late() {
    hub(|| {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        for _ in 0..10 {
            assert_eq!(told(near.read(&mut [0; 8])), Err(ErrorKind::WouldBlock));
            far.write_all(b"late").unwrap();
            assert_eq!(told(near.read(&mut [0; 8])), Ok(4));
        }
    });
}

#[test]
fn a_timeout_scope_around_a_read_loses_no_byte() {
    hub(|| {
        let (mut near, far) = pair();
        let writer = os_thread::spawn(move || {
            for byte in 0..100 {
                (&far).write_all(&[byte]).unwrap();
                os_thread::sleep(Duration::from_micros(500));
            }
        });
        let mut heard = Vec::new();
        let mut expired = 0;
        while heard.len() < 100 {
            let mut byte = [0];
            match greenroom::timeout(Duration::from_micros(300), || near.read(&mut byte)) {
                Ok(read) => {
                    assert_eq!(read.unwrap(), 1);
                    heard.push(byte[0]);
                }
                Err(_) => expired += 1,
            }
        }
        assert!(heard.iter().copied().eq(0..100), "{heard:?}");
        assert!(expired > 0);
        writer.join().unwrap();
    });
}
