//! What a program does with Unix streams.

use std::fs;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use super::world::{UnixDatagram, UnixListener, UnixStream, sleep, spawn};
use crate::differential::{Log, Script, scripts};
use crate::net::kernel;

/// Long enough for another thread to get to where it waits.
const A_MOMENT: Duration = Duration::from_millis(10);

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

fn name(of: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("greenroom {} {of}", std::process::id())).unwrap()
}

scripts! {
    fn a_word_and_the_end(log: &mut Log) {
        let (mut near, far) = pair();
        log.step("write", near.write(b"hello"));
        log.step("flush", near.flush());
        log.read("read two", &far, 2);
        log.read("read the rest", &far, 100);
        drop(near);
        log.read("at the end", &far, 100);
        log.read("at the end again", &far, 100);
        log.step("write", (&far).write(b"x"));
    }

    fn half_close(log: &mut Log) {
        let (mut near, mut far) = pair();
        log.step("write", near.write_all(b"question"));
        log.step("shut down writing", near.shutdown(Shutdown::Write));
        let mut question = String::new();
        log.step("far reads all", far.read_to_string(&mut question));
        log.note("what", question);
        log.step("near writes", near.write(b"x"));
        log.step("far answers", far.write_all(b"answer"));
        log.step("far shuts down", far.shutdown(Shutdown::Both));
        log.read("near reads", &near, 100);
        log.read("near reads the end", &near, 100);
    }

    fn shutdown_twice(log: &mut Log) {
        let (near, far) = pair();
        for how in [Shutdown::Write, Shutdown::Write, Shutdown::Read, Shutdown::Read, Shutdown::Both, Shutdown::Both] {
            log.step("near", near.shutdown(how));
        }
        log.read("far reads", &far, 10);
        log.step("far writes", (&far).write(b"x"));
        log.step("far shuts down", far.shutdown(Shutdown::Both));
        log.step("far again", far.shutdown(Shutdown::Both));
        drop(near);
        log.step("and again", far.shutdown(Shutdown::Write));
    }

    fn shutdown_of_reading(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("far writes", far.write(b"early"));
        log.step("shut down", near.shutdown(Shutdown::Read));
        log.read("what came before", &near, 100);
        log.read("and then", &near, 100);
        log.step("far writes on", far.write(b"late"));
        log.step("near writes", (&near).write(b"x"));
        log.read("far reads", &far, 10);
    }

    fn the_end_wakes_a_reader(log: &mut Log) {
        let (near, far) = pair();
        let reader = spawn(move || {
            let mut log = Log::of("reader: ");
            log.read("read", &near, 10);
            log.read("read", &near, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("write", (&far).write(b"word"));
        sleep(A_MOMENT);
        drop(far);
        log.add(reader.join().unwrap());
    }

    fn the_end_wakes_a_writer(log: &mut Log) {
        let (mut near, far) = pair();
        let writer = spawn(move || {
            let mut log = Log::of("writer: ");
            log.step("write all", near.write_all(&vec![0; 8 << 20]));
            log
        });
        sleep(A_MOMENT);
        drop(far);
        log.add(writer.join().unwrap());
    }

    fn gone_with_unread_data(log: &mut Log) {
        let (mut near, mut far) = pair();
        log.step("near writes", near.write(b"unread"));
        log.step("far writes", far.write(b"answer"));
        drop(far);
        log.read("read", &near, 100);
        log.read("read again", &near, 100);
        log.read("and again", &near, 100);
        log.step("write", near.write(b"x"));
        log.step("shut down", near.shutdown(Shutdown::Both));
        log.step("peer", near.peer_addr().map(|address| address.is_unnamed()));
    }

    fn timeouts(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("none", near.read_timeout());
        log.step("zero", near.set_read_timeout(Some(Duration::ZERO)));
        log.step("zero", near.set_write_timeout(Some(Duration::ZERO)));
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        log.read("read nothing", &near, 4);
        log.step("far writes", far.write(b"now"));
        log.read("read", &near, 4);
        log.step("set", near.set_write_timeout(Some(A_MOMENT)));
        log.step("write far too much", (&near).write_all(&vec![0; 8 << 20]));
        log.step("writes", near.write_timeout().map(|timeout| timeout.is_some()));
        log.step("the longest", near.set_write_timeout(Some(Duration::MAX)));
    }

    fn pieces_are_gathered_and_scattered(log: &mut Log) {
        let (mut near, mut far) = pair();
        let pieces = [&b"one "[..], b"", b"two ", b"three"];
        log.step("gather", near.write_vectored(&pieces.map(IoSlice::new)));
        let (mut a, mut b, mut c) = ([0; 5], [0; 0], [0; 30]);
        let got = far.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b), IoSliceMut::new(&mut c)]);
        log.step("scatter", got);
        log.note("first", a);
        log.note("last", c);
        log.step("gather nothing", near.write_vectored(&[]));
        log.step("gather too many", near.write_vectored(&vec![IoSlice::new(b"x"); 1025]));
    }

    fn nothing_is_written(log: &mut Log) {
        let (mut near, far) = pair();
        log.step("write nothing", near.write(b""));
        log.step("write", near.write(b"x"));
        log.read("read into nothing", &far, 0);
        log.read("read", &far, 10);
    }

    fn megabytes_both_ways(log: &mut Log) {
        let (near, far) = pair();
        let echo = spawn(move || {
            let mut log = Log::of("echo: ");
            log.step("copy", std::io::copy(&mut &far, &mut &far));
            log.step("shut down", far.shutdown(Shutdown::Write));
            log
        });
        let clone = near.try_clone().unwrap();
        let writer = spawn(move || {
            let bytes: Vec<u8> = (0..3 << 20_u32).map(|n: u32| (n % 251) as u8).collect();
            (&clone).write_all(&bytes).unwrap();
            clone.shutdown(Shutdown::Write).unwrap();
        });
        let mut heard = Vec::new();
        log.step("read to the end", (&near).read_to_end(&mut heard));
        log.note("as sent", heard.iter().enumerate().all(|(n, &byte)| byte == (n % 251) as u8));
        writer.join().unwrap();
        log.add(echo.join().unwrap());
    }

    fn by_a_path(log: &mut Log) {
        let path = log.path("socket");
        log.made("nobody yet", UnixStream::connect(&path));
        let listener = log.made("bind", UnixListener::bind(&path)).unwrap();
        log.made("bind again", UnixListener::bind(&path));
        let near = log.made("connect", UnixStream::connect(&path)).unwrap();
        let (far, peer) = listener.accept().unwrap();
        log.note("the peer has no name", peer.is_unnamed());
        log.note("the listener has", listener.local_addr().unwrap().as_pathname() == Some(&*path));
        log.note("and so has what it accepts", far.local_addr().unwrap().as_pathname() == Some(&*path));
        log.note("as its peer knows", near.peer_addr().unwrap().as_pathname() == Some(&*path));
        log.note("who has none", near.local_addr().unwrap().is_unnamed());
        log.step("write", (&near).write(b"x"));
        log.read("read", &far, 10);
    }

    fn what_stays_of_a_listener(log: &mut Log) {
        let path = log.path("left");
        drop(UnixListener::bind(&path).unwrap());
        log.note("its file", path.exists());
        log.made("connect", UnixStream::connect(&path));
        log.made("bind", UnixListener::bind(&path));
        fs::remove_file(&path).unwrap();
        log.made("connect", UnixStream::connect(&path));
        log.made("bind", UnixListener::bind(&path));
    }

    fn removed_while_it_listens(log: &mut Log) {
        let path = log.path("removed");
        let listener = UnixListener::bind(&path).unwrap();
        let queued = UnixStream::connect(&path).unwrap();
        fs::remove_file(&path).unwrap();
        log.made("connect", UnixStream::connect(&path));
        log.made("accept who came before", listener.accept());
        drop(queued);
    }

    fn queued_when_the_listener_goes(log: &mut Log) {
        let listener = UnixListener::bind_addr(&name("goes")).unwrap();
        let mut queued = UnixStream::connect_addr(&name("goes")).unwrap();
        drop(listener);
        log.read("read", &queued, 10);
        log.step("write", queued.write(b"x"));
        log.made("another", UnixStream::connect_addr(&name("goes")));
    }

    fn bad_paths(log: &mut Log) {
        let folder = log.path("no-folder");
        for path in ["", "with\0nul", &"x".repeat(107), &"x".repeat(108), &"x".repeat(1000), "/", "/dev/null"] {
            log.made("connect", UnixStream::connect(path));
        }
        for path in ["with\0nul", &"x".repeat(108), "/", "/dev/null", "/proc/no"] {
            log.made("bind", UnixListener::bind(path));
        }
        log.made("in no folder", UnixListener::bind(folder.join("socket")));
        log.made("connect to no name", UnixStream::connect_addr(&SocketAddr::from_pathname("").unwrap()));
    }

    fn a_file_and_a_datagram_socket_are_no_listeners(log: &mut Log) {
        let file = log.path("file");
        fs::write(&file, "text").unwrap();
        log.made("a file", UnixStream::connect(&file));
        let path = log.path("datagrams");
        let _socket = UnixDatagram::bind(&path).unwrap();
        log.made("a datagram socket", UnixStream::connect(&path));
    }

    fn abstract_names(log: &mut Log) {
        log.made("nobody yet", UnixStream::connect_addr(&name("a")));
        let listener = log.made("bind", UnixListener::bind_addr(&name("a"))).unwrap();
        log.made("bind again", UnixListener::bind_addr(&name("a")));
        let near = log.made("connect", UnixStream::connect_addr(&name("a"))).unwrap();
        let (far, peer) = listener.accept().unwrap();
        log.note("no name", peer.is_unnamed());
        log.note("a name", listener.local_addr().unwrap().as_abstract_name() == name("a").as_abstract_name());
        log.note("a name", near.peer_addr().unwrap().as_abstract_name() == name("a").as_abstract_name());
        log.step("write", (&near).write(b"x"));
        log.read("read", &far, 10);
        drop(listener);
        log.made("free again", UnixListener::bind_addr(&name("a")));
        let binary = SocketAddr::from_abstract_name(b"greenroom\0\xff\0").unwrap();
        let _listener = log.made("any bytes", UnixListener::bind_addr(&binary));
        log.made("connect", UnixStream::connect_addr(&binary));
        log.made("of the longest", UnixListener::bind_addr(&SocketAddr::from_abstract_name([7; 107]).unwrap()));
    }

    fn a_full_queue_is_waited_for(log: &mut Log) {
        let (listener, queued) = kernel::full_unix_listener(&name("full"));
        let listener = UnixListener::from(OwnedFd::from(listener));
        let client = spawn(|| {
            let mut log = Log::of("client: ");
            let stream = log.made("connect", UnixStream::connect_addr(&name("full"))).unwrap();
            log.read("read", &stream, 10);
            log
        });
        sleep(A_MOMENT * 5);
        log.made("accept", listener.accept());
        let (mut served, _) = log.made("accept", listener.accept()).unwrap();
        log.step("write", served.write(b"welcome"));
        log.add(client.join().unwrap());
        drop(queued);
    }

    fn incoming_goes_on(log: &mut Log) {
        let listener = UnixListener::bind_addr(&name("incoming")).unwrap();
        let clients = spawn(|| {
            for word in ["a", "b", "c", "d"] {
                UnixStream::connect_addr(&name("incoming")).unwrap().write_all(word.as_bytes()).unwrap();
                sleep(Duration::from_millis(2));
            }
        });
        for stream in listener.incoming().take(2).chain((&listener).into_iter().take(2)) {
            let mut word = String::new();
            log.step("served", stream.unwrap().read_to_string(&mut word));
            log.note("it said", word);
        }
        clients.join().unwrap();
    }

    fn nonblocking(log: &mut Log) {
        let listener = UnixListener::bind_addr(&name("nonblocking")).unwrap();
        log.step("set", listener.set_nonblocking(true));
        log.made("accept nobody", listener.accept());
        let near = UnixStream::connect_addr(&name("nonblocking")).unwrap();
        let (mut far, _) = log.made("accept", listener.accept()).unwrap();
        log.step("set", near.set_nonblocking(true));
        log.read("read nothing", &near, 10);
        log.step("write too much", (&near).write_all(&vec![0; 8 << 20]));
        log.step("far writes", far.write(b"y"));
        log.read("read", &near, 10);
        log.step("error", near.take_error().map(|error| error.is_none()));
        log.step("unset", near.set_nonblocking(false));
    }

    fn clones_share(log: &mut Log) {
        let (near, mut far) = pair();
        let clone = log.made("clone", near.try_clone()).unwrap();
        log.step("timeout by one", clone.set_read_timeout(Some(A_MOMENT)));
        log.step("seen by the other", near.read_timeout().map(|timeout| timeout.is_some()));
        log.read("and felt", &near, 1);
        log.step("far writes", far.write(b"ab"));
        log.read("one", &near, 1);
        log.read("the other", &clone, 1);
        drop(near);
        log.step("still there", (&clone).write(b"x"));
        drop(clone);
        log.read("far reads", &far, 10);
        log.read("far reads the end", &far, 10);
    }
}
