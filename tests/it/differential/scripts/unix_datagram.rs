//! What a program does with Unix datagrams.

use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use super::world::{UnixDatagram, UnixListener, UnixStream, sleep, spawn};
use crate::differential::{Log, Script, scripts};

/// Long enough for another thread to get to where it waits.
const A_MOMENT: Duration = Duration::from_millis(10);

fn pair() -> (UnixDatagram, UnixDatagram) {
    UnixDatagram::pair().unwrap()
}

fn name(of: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("greenroom datagrams {} {of}", std::process::id())).unwrap()
}

fn receive(log: &mut Log, what: &str, from: &UnixDatagram, room: usize) {
    let mut buffer = vec![0; room];
    let got = from.recv(&mut buffer);
    log.bytes(what, got, &buffer);
}

scripts! {
    fn there_and_back(log: &mut Log) {
        let (near, far) = pair();
        log.step("send", near.send(b"question"));
        receive(log, "receive", &far, 100);
        log.step("send", far.send(b"answer"));
        receive(log, "receive", &near, 100);
        log.note("no name", near.local_addr().unwrap().is_unnamed());
        log.note("no name", near.peer_addr().unwrap().is_unnamed());
    }

    fn waits_for_one(log: &mut Log) {
        let (near, far) = pair();
        let receiver = spawn(move || {
            let mut log = Log::of("receiver: ");
            receive(&mut log, "receive", &near, 10);
            receive(&mut log, "receive", &near, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("send", far.send(b"one"));
        sleep(A_MOMENT);
        log.step("send", far.send(b""));
        log.add(receiver.join().unwrap());
    }

    fn nothing_is_something(log: &mut Log) {
        let (near, far) = pair();
        log.step("send nothing", far.send(b""));
        log.step("send", far.send(b"x"));
        receive(log, "receive nothing", &near, 10);
        receive(log, "receive", &near, 10);
    }

    fn too_small_a_buffer(log: &mut Log) {
        let (near, far) = pair();
        for datagram in ["abcdef", "ghijkl", "nothing of this", "last"] {
            far.send(datagram.as_bytes()).unwrap();
        }
        receive(log, "a part", &near, 3);
        let mut buffer = [0; 2];
        let got = near.recv_from(&mut buffer).map(|(length, _)| length);
        log.bytes("a part", got, &buffer);
        receive(log, "into nothing", &near, 0);
        receive(log, "the last", &near, 100);
    }

    fn by_a_path(log: &mut Log) {
        let (here, there) = (log.path("here"), log.path("there"));
        let near = log.made("bind", UnixDatagram::bind(&here)).unwrap();
        log.made("bind again", UnixDatagram::bind(&here));
        log.step("nobody there yet", near.send_to(b"x", &there));
        let far = UnixDatagram::bind(&there).unwrap();
        log.step("send", near.send_to(b"question", &there));
        let mut buffer = [0; 20];
        let (length, from) = far.recv_from(&mut buffer).unwrap();
        log.bytes("receive", Ok(length), &buffer);
        log.note("from", from.as_pathname() == Some(&*here));
        log.step("answer", far.send_to_addr(b"answer", &from));
        receive(log, "receive", &near, 10);
        drop(far);
        log.step("it is gone", near.send_to(b"x", &there));
        log.note("its file is not", there.exists());
    }

    fn one_without_a_name(log: &mut Log) {
        let near = log.made("unbound", UnixDatagram::unbound()).unwrap();
        log.note("no name", near.local_addr().unwrap().is_unnamed());
        log.step("no peer", near.peer_addr().map(drop));
        log.step("send", near.send(b"x"));
        let far = UnixDatagram::bind_addr(&name("far")).unwrap();
        log.step("send to", near.send_to_addr(b"hello", &name("far")));
        let mut buffer = [0; 20];
        let (length, from) = far.recv_from(&mut buffer).unwrap();
        log.bytes("receive", Ok(length), &buffer);
        log.note("from nobody", from.is_unnamed());
        log.step("to nobody", far.send_to_addr(b"x", &from));
    }

    fn only_the_one_connected_to(log: &mut Log) {
        let near = UnixDatagram::bind_addr(&name("near")).unwrap();
        let far = UnixDatagram::bind_addr(&name("far")).unwrap();
        let stranger = UnixDatagram::bind_addr(&name("stranger")).unwrap();
        log.step("connect", near.connect_addr(&name("far")));
        log.note("peer", near.peer_addr().unwrap().as_abstract_name() == name("far").as_abstract_name());
        log.step("a stranger sends", stranger.send_to_addr(b"x", &name("near")));
        log.step("a friend sends", far.send_to_addr(b"friend", &name("near")));
        receive(log, "receive", &near, 10);
        log.step("send", near.send(b"x"));
        receive(log, "far receives", &far, 10);
        log.step("connect to another", near.connect_addr(&name("stranger")));
        log.step("send", near.send(b"y"));
        receive(log, "the stranger receives", &stranger, 10);
        log.step("connect to nobody", near.connect_addr(&name("nobody")));
    }

    fn bad_paths(log: &mut Log) {
        let near = UnixDatagram::unbound().unwrap();
        for path in ["", "with\0nul", &"x".repeat(108), "/", "/dev/null", "/proc/no"] {
            log.step("send", near.send_to(b"x", path));
            log.step("connect", near.connect(path));
            if !path.is_empty() {
                log.made("bind", UnixDatagram::bind(path));
            }
        }
        let _listener = UnixListener::bind_addr(&name("listener")).unwrap();
        log.step("to a listener", near.send_to_addr(b"x", &name("listener")));
        log.step("connect to a listener", near.connect_addr(&name("listener")));
        log.made("as a stream", UnixStream::connect_addr(&name("nobody")));
    }

    fn timeouts(log: &mut Log) {
        let (near, far) = pair();
        log.step("zero", near.set_read_timeout(Some(Duration::ZERO)));
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        receive(log, "receive nothing", &near, 10);
        log.step("from nobody", near.recv_from(&mut [0; 4]).map(drop));
        far.send(b"x").unwrap();
        receive(log, "receive", &near, 10);
        log.step("set", far.set_write_timeout(Some(A_MOMENT)));
        log.step("reads", near.read_timeout().map(|timeout| timeout.is_some()));
        log.step("writes", near.write_timeout());
        let full = loop {
            if let Err(error) = far.send(&[0; 1024]) {
                break error;
            }
        };
        log.note("full", full.kind());
    }

    fn a_full_receiver_times_out(log: &mut Log) {
        let _far = UnixDatagram::bind_addr(&name("full")).unwrap();
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        let mut room = 0;
        while other.send_to_addr(b"x", &name("full")).is_ok() {
            room += 1;
        }
        log.note("room for", room);
        let near = UnixDatagram::unbound().unwrap();
        near.set_write_timeout(Some(A_MOMENT)).unwrap();
        log.step("send to", near.send_to_addr(b"x", &name("full")));
        near.connect_addr(&name("full")).unwrap();
        log.step("send", near.send(b"x"));
        near.set_nonblocking(true).unwrap();
        log.step("send", near.send(b"x"));
        log.step("send to", near.send_to_addr(b"x", &name("full")));
    }

    fn a_full_receiver_is_waited_for(log: &mut Log) {
        for connected in [true, false] {
            let far = UnixDatagram::bind_addr(&name("waited for")).unwrap();
            let other = UnixDatagram::unbound().unwrap();
            other.set_nonblocking(true).unwrap();
            while other.send_to_addr(b"x", &name("waited for")).is_ok() {}
            let sender = spawn(move || {
                let mut log = Log::of("sender: ");
                let near = UnixDatagram::unbound().unwrap();
                match connected {
                    true => {
                        near.connect_addr(&name("waited for")).unwrap();
                        log.step("send", near.send(b"late"));
                    }
                    false => log.step("send", near.send_to_addr(b"late", &name("waited for"))),
                }
                log
            });
            sleep(A_MOMENT * 3);
            let mut buffer = [0; 10];
            while far.recv(&mut buffer).unwrap() == 1 {}
            log.bytes("the last", Ok(4), &buffer);
            log.add(sender.join().unwrap());
        }
    }

    fn the_other_is_gone(log: &mut Log) {
        let (near, far) = pair();
        far.send(b"last").unwrap();
        drop(far);
        near.set_read_timeout(Some(A_MOMENT)).unwrap();
        receive(log, "receive", &near, 10);
        receive(log, "and then", &near, 10);
        log.step("send", near.send(b"x"));
        log.step("send again", near.send(b"x"));
        receive(log, "and at last", &near, 10);
        log.step("peer", near.peer_addr().map(|address| address.is_unnamed()));
    }

    fn gone_under_a_sender(log: &mut Log) {
        let far = UnixDatagram::bind_addr(&name("goes")).unwrap();
        let near = UnixDatagram::unbound().unwrap();
        near.connect_addr(&name("goes")).unwrap();
        let sender = spawn(move || {
            let mut log = Log::of("sender: ");
            let failed = loop {
                if let Err(error) = near.send(&[0; 1024]) {
                    break error;
                }
            };
            log.note("ended by", failed.kind());
            log
        });
        sleep(A_MOMENT);
        drop(far);
        log.add(sender.join().unwrap());
    }

    fn shut_down(log: &mut Log) {
        let (near, far) = pair();
        far.send(b"early").unwrap();
        log.step("shut down reading", near.shutdown(Shutdown::Read));
        log.step("far sends", far.send(b"late"));
        receive(log, "what came before", &near, 10);
        receive(log, "and then", &near, 10);
        log.step("shut down writing", near.shutdown(Shutdown::Write));
        log.step("near sends", near.send(b"x"));
        log.step("both", near.shutdown(Shutdown::Both));
        let alone = UnixDatagram::unbound().unwrap();
        log.step("without a peer", alone.shutdown(Shutdown::Both));
    }

    fn shut_down_under_a_receiver(log: &mut Log) {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        let receiver = spawn(move || {
            let mut log = Log::of("receiver: ");
            receive(&mut log, "receive", &clone, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("shut down", near.shutdown(Shutdown::Read));
        log.add(receiver.join().unwrap());
        drop(far);
    }

    fn too_much(log: &mut Log) {
        let (near, far) = pair();
        log.step("much", near.send(&vec![7; 100_000]));
        log.step("too much", near.send(&vec![7; 64 << 20]));
        receive(log, "receive", &far, 200_000);
    }

    fn nonblocking(log: &mut Log) {
        let (near, far) = pair();
        log.step("set", near.set_nonblocking(true));
        receive(log, "receive nothing", &near, 10);
        far.send(b"x").unwrap();
        receive(log, "receive", &near, 10);
        log.step("error", near.take_error().map(|error| error.is_none()));
        log.step("unset", near.set_nonblocking(false));
    }

    fn clones_share(log: &mut Log) {
        let (near, far) = pair();
        let clone = log.made("clone", near.try_clone()).unwrap();
        far.send(b"one").unwrap();
        far.send(b"two").unwrap();
        receive(log, "one has", &near, 10);
        receive(log, "the other has", &clone, 10);
        drop(near);
        log.step("still there", clone.send(b"x"));
        receive(log, "far has", &far, 10);
    }
}
