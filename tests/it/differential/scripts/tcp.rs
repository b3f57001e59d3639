//! What a program does with TCP.

use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::Duration;

use super::world::{TcpListener, TcpStream, sleep, spawn};
use crate::differential::{Log, Script, scripts};
use crate::net::kernel;

/// Long enough for what was sent on loopback to be there.
const A_MOMENT: Duration = Duration::from_millis(10);
const A_SECOND: Duration = Duration::from_secs(5);

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let near = TcpStream::connect(address).unwrap();
    (near, listener.accept().unwrap().0)
}

fn reset(stream: TcpStream) {
    kernel::linger_no_longer(&stream);
    drop(stream);
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

scripts! {
    fn a_word_and_the_end(log: &mut Log) {
        let (mut near, far) = pair();
        log.step("write", near.write(b"hello"));
        log.step("flush", near.flush());
        sleep(A_MOMENT);
        log.read("read two", &far, 2);
        log.read("read the rest", &far, 100);
        drop(near);
        log.read("at the end", &far, 100);
        log.read("at the end again", &far, 100);
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
        log.step("far shuts down", far.shutdown(Shutdown::Write));
        log.read("near reads", &near, 100);
        log.read("near reads the end", &near, 100);
        log.step("far writes", far.write(b"x"));
    }

    fn shutdown_twice(log: &mut Log) {
        let (near, far) = pair();
        for how in [Shutdown::Write, Shutdown::Write, Shutdown::Read, Shutdown::Read, Shutdown::Both, Shutdown::Both] {
            log.step("near", near.shutdown(how));
        }
        sleep(A_MOMENT);
        log.read("far reads", &far, 10);
        log.step("far shuts down", far.shutdown(Shutdown::Both));
        sleep(A_MOMENT);
        log.step("far again", far.shutdown(Shutdown::Both));
        log.step("near again", near.shutdown(Shutdown::Write));
        log.step("peer of near", near.peer_addr().map(drop));
    }

    fn shutdown_of_reading(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("far writes", far.write(b"early"));
        sleep(A_MOMENT);
        log.step("shut down", near.shutdown(Shutdown::Read));
        log.read("what came before", &near, 100);
        log.read("and then", &near, 100);
        log.step("far writes on", far.write(b"late"));
        sleep(A_MOMENT);
        log.read("what came after", &near, 100);
        log.step("near writes", (&near).write(b"x"));
    }

    fn shutdown_wakes_a_reader(log: &mut Log) {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        let reader = spawn(move || {
            let mut log = Log::of("reader: ");
            log.read("read", &clone, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("shut down", near.shutdown(Shutdown::Read));
        log.add(reader.join().unwrap());
        drop(far);
    }

    fn reset_under_a_reader(log: &mut Log) {
        let (near, far) = pair();
        let reader = spawn(move || {
            let mut log = Log::of("reader: ");
            log.read("read", &near, 10);
            log.read("read again", &near, 10);
            log.step("write", (&near).write(b"x"));
            log.step("take_error", near.take_error().map(|error| error.map(|error| error.kind())));
            log.step("shut down", near.shutdown(Shutdown::Write));
            log.step("peer", near.peer_addr().map(drop));
            log
        });
        sleep(A_MOMENT);
        reset(far);
        log.add(reader.join().unwrap());
    }

    fn reset_behind_data(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("far writes", far.write(b"lost"));
        reset(far);
        sleep(A_MOMENT);
        log.read("read", &near, 10);
        log.read("read again", &near, 10);
        log.step("write", (&near).write(b"x"));
        log.step("write again", (&near).write(b"x"));
    }

    fn reset_met_by_a_write(log: &mut Log) {
        let (mut near, far) = pair();
        reset(far);
        sleep(A_MOMENT);
        log.step("take_error", near.take_error().map(|error| error.map(|error| error.kind())));
        log.step("write", near.write(b"x"));
        log.read("read", &near, 10);
    }

    fn reset_under_a_writer(log: &mut Log) {
        let (mut near, far) = pair();
        let writer = spawn(move || {
            let mut log = Log::of("writer: ");
            log.step("write all", near.write_all(&vec![0; 32 << 20]));
            log
        });
        sleep(A_MOMENT);
        reset(far);
        log.add(writer.join().unwrap());
    }

    fn peer_closes_with_unread_data(log: &mut Log) {
        let (mut near, mut far) = pair();
        log.step("near writes", near.write(b"unread"));
        log.step("far writes", far.write(b"answer"));
        sleep(A_MOMENT);
        drop(far);
        sleep(A_MOMENT);
        log.read("read", &near, 100);
        log.read("read again", &near, 100);
        log.step("write", near.write(b"x"));
    }

    fn writes_to_one_who_is_gone(log: &mut Log) {
        let (mut near, far) = pair();
        drop(far);
        sleep(A_MOMENT);
        log.step("the first", near.write(b"x"));
        sleep(A_MOMENT);
        log.step("the second", near.write(b"x"));
        log.step("the third", near.write(b"x"));
        log.read("read", &near, 10);
    }

    fn peek_leaves_it(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("far writes", far.write(b"abcdef"));
        sleep(A_MOMENT);
        let mut buffer = [0; 4];
        for _ in 0..2 {
            let got = near.peek(&mut buffer);
            log.bytes("peek", got, &buffer);
        }
        log.read("read", &near, 3);
        let mut buffer = [0; 16];
        let got = near.peek(&mut buffer);
        log.bytes("peek", got, &buffer);
        log.read("read", &near, 16);
        drop(far);
        log.step("peek at the end", near.peek(&mut buffer));
    }

    fn peek_waits(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("timeout", near.set_read_timeout(Some(A_MOMENT)));
        log.step("peek at nothing", near.peek(&mut [0; 4]));
        log.step("no timeout", near.set_read_timeout(None));
        let writer = spawn(move || {
            sleep(A_MOMENT);
            far.write_all(b"late").unwrap();
            far
        });
        let mut buffer = [0; 16];
        let got = near.peek(&mut buffer);
        log.bytes("peek", got, &buffer);
        drop(writer.join().unwrap());
    }

    fn read_timeout_passes(log: &mut Log) {
        let (near, mut far) = pair();
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        log.read("read nothing", &near, 4);
        log.read("read nothing again", &near, 4);
        log.step("far writes", far.write(b"now"));
        sleep(A_MOMENT);
        log.read("read", &near, 4);
        log.step("read_exact", (&near).read_exact(&mut [0; 4]));
        log.step("write", (&near).write(b"fine"));
    }

    fn timeouts_are_told(log: &mut Log) {
        let (near, _far) = pair();
        log.step("at first", near.read_timeout());
        log.step("at first", near.write_timeout());
        log.step("zero", near.set_read_timeout(Some(Duration::ZERO)));
        log.step("zero", near.set_write_timeout(Some(Duration::ZERO)));
        log.step("a second", near.set_read_timeout(Some(Duration::from_secs(1))));
        log.step("half of one", near.set_write_timeout(Some(Duration::from_millis(500))));
        log.step("reads", near.read_timeout());
        log.step("writes", near.write_timeout());
        log.step("the longest", near.set_read_timeout(Some(Duration::MAX)));
        log.step("none", near.set_write_timeout(None));
        log.step("writes", near.write_timeout());
    }

    fn write_timeout_passes(log: &mut Log) {
        let (mut near, _far) = pair();
        log.step("set", near.set_write_timeout(Some(A_MOMENT)));
        log.step("write far too much", near.write_all(&vec![0; 64 << 20]));
        log.step("write more", near.write_all(&vec![0; 16 << 20]));
    }

    fn pieces_are_gathered_and_scattered(log: &mut Log) {
        let (mut near, mut far) = pair();
        let pieces = [&b"one "[..], b"", b"two ", b"three"];
        log.step("gather", near.write_vectored(&pieces.map(IoSlice::new)));
        sleep(A_MOMENT);
        let (mut a, mut b, mut c) = ([0; 5], [0; 0], [0; 30]);
        let got = far.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b), IoSliceMut::new(&mut c)]);
        log.step("scatter", got);
        log.note("first", a);
        log.note("last", c);
        log.step("gather nothing", near.write_vectored(&[]));
        log.step("gather nothing", near.write_vectored(&[IoSlice::new(b"")]));
    }

    fn very_many_pieces(log: &mut Log) {
        let (mut near, far) = pair();
        for count in [1023, 1024, 1025, 3000] {
            log.step("gather", near.write_vectored(&vec![IoSlice::new(b"x"); count]));
        }
        sleep(A_MOMENT);
        log.read("all", &far, 10_000);
    }

    fn nothing_is_written(log: &mut Log) {
        let (mut near, far) = pair();
        log.step("write nothing", near.write(b""));
        log.step("write nothing at all", near.write_all(b""));
        log.step("write", near.write(b"x"));
        sleep(A_MOMENT);
        log.read("read into nothing", &far, 0);
        log.read("read", &far, 10);
    }

    fn too_little_for_exact(log: &mut Log) {
        let (near, far) = pair();
        let writer = spawn(move || {
            for piece in [&b"ab"[..], b"cd", b"e"] {
                (&far).write_all(piece).unwrap();
                sleep(Duration::from_millis(2));
            }
        });
        let mut buffer = [0; 4];
        log.step("four", (&near).read_exact(&mut buffer));
        log.note("they are", buffer);
        log.step("four more", (&near).read_exact(&mut buffer));
        writer.join().unwrap();
    }

    fn megabytes_both_ways(log: &mut Log) {
        let (near, far) = pair();
        let sent = pattern(3 << 20);
        let echo = spawn(move || {
            let mut log = Log::of("echo: ");
            log.step("copy", std::io::copy(&mut &far, &mut &far));
            log.step("shut down", far.shutdown(Shutdown::Write));
            log
        });
        let clone = near.try_clone().unwrap();
        let writer = spawn(move || {
            (&clone).write_all(&sent).unwrap();
            clone.shutdown(Shutdown::Write).unwrap();
        });
        let mut heard = Vec::new();
        log.step("read to the end", (&near).read_to_end(&mut heard));
        log.note("sum", sum(&heard));
        writer.join().unwrap();
        log.add(echo.join().unwrap());
    }

    fn lines(log: &mut Log) {
        let (near, far) = pair();
        let answers = spawn(move || {
            for line in BufReader::new(&far).lines() {
                writeln!(&far, "<{}>", line.unwrap()).unwrap();
            }
        });
        let mut reader = BufReader::new(&near);
        for word in ["one", "", "two"] {
            writeln!(&near, "{word}").unwrap();
            let mut line = String::new();
            log.step("line", reader.read_line(&mut line));
            log.note("it is", line);
        }
        near.shutdown(Shutdown::Write).unwrap();
        answers.join().unwrap();
        log.step("at the end", reader.read_line(&mut String::new()));
    }

    fn refused(log: &mut Log) {
        let (gone, address) = listener();
        drop(gone);
        log.made("connect", TcpStream::connect(address));
        log.made("with a timeout", TcpStream::connect_timeout(&address, A_SECOND));
        log.made("with none", TcpStream::connect_timeout(&address, Duration::ZERO));
    }

    fn no_such_place(log: &mut Log) {
        for place in ["127.0.0.1:0", "255.255.255.255:9", "224.0.0.1:9", "[ff02::1]:9", "[::1]:1"] {
            log.made(place, TcpStream::connect(place.parse::<SocketAddr>().unwrap()));
        }
        log.made("no place", TcpStream::connect(&[][..]));
        log.made("no port", TcpStream::connect("127.0.0.1"));
        log.made("no number", TcpStream::connect("127.0.0.1:http"));
    }

    fn the_second_place_will_do(log: &mut Log) {
        let (gone, refused) = listener();
        drop(gone);
        let (_listener, address) = listener();
        let stream = log.made("connect", TcpStream::connect(&[refused, address][..])).unwrap();
        log.note("there", stream.peer_addr().unwrap() == address);
    }

    fn bind_where_one_may_not(log: &mut Log) {
        let (_taken, address) = listener();
        log.made("taken", TcpListener::bind(address));
        log.made("foreign", TcpListener::bind("192.0.2.1:0"));
        log.made("nowhere", TcpListener::bind(&[][..]));
        log.made("taken, then free", TcpListener::bind(&[address, (Ipv4Addr::LOCALHOST, 0).into()][..]));
    }

    fn accepted_in_order(log: &mut Log) {
        let (listener, address) = listener();
        let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in &clients {
            let (served, peer) = listener.accept().unwrap();
            log.note("the peer", peer == client.local_addr().unwrap());
            log.note("the same", served.peer_addr().unwrap() == peer);
            log.note("here", served.local_addr().unwrap() == address);
        }
    }

    fn incoming_goes_on(log: &mut Log) {
        let (listener, address) = listener();
        let client = spawn(move || {
            for word in ["a", "b", "c"] {
                TcpStream::connect(address).unwrap().write_all(word.as_bytes()).unwrap();
                sleep(Duration::from_millis(2));
            }
        });
        for stream in listener.incoming().take(3) {
            let mut word = String::new();
            log.step("served", stream.unwrap().read_to_string(&mut word));
            log.note("it said", word);
        }
        client.join().unwrap();
    }

    fn gone_before_it_was_accepted(log: &mut Log) {
        let (listener, address) = listener();
        TcpStream::connect(address).unwrap().write_all(b"bye").unwrap();
        reset(TcpStream::connect(address).unwrap());
        sleep(A_MOMENT);
        let (first, _) = listener.accept().unwrap();
        log.read("it said", &first, 10);
        log.read("the end", &first, 10);
        let (second, _) = listener.accept().unwrap();
        log.read("reset", &second, 10);
    }

    fn queued_when_the_listener_goes(log: &mut Log) {
        let (listener, address) = listener();
        let mut queued = TcpStream::connect(address).unwrap();
        drop(listener);
        sleep(A_MOMENT);
        log.read("read", &queued, 10);
        log.step("write", queued.write(b"x"));
        log.made("another", TcpStream::connect(address));
    }

    fn nonblocking(log: &mut Log) {
        let (listener, address) = listener();
        log.step("set", listener.set_nonblocking(true));
        log.made("accept nobody", listener.accept());
        let near = TcpStream::connect(address).unwrap();
        sleep(A_MOMENT);
        let (mut far, _) = log.made("accept", listener.accept()).unwrap();
        log.step("set", near.set_nonblocking(true));
        log.read("read nothing", &near, 10);
        log.step("peek at nothing", near.peek(&mut [0; 10]));
        log.step("write", (&near).write(b"x"));
        log.step("write too much", (&near).write_all(&vec![0; 64 << 20]));
        log.step("far writes", far.write(b"y"));
        sleep(A_MOMENT);
        log.read("read", &near, 10);
        log.step("unset", near.set_nonblocking(false));
        drop(far);
        log.read("read", &near, 10);
    }

    fn settings(log: &mut Log) {
        let (near, _far) = pair();
        log.step("nodelay", near.nodelay());
        log.step("set", near.set_nodelay(true));
        log.step("nodelay", near.nodelay());
        for ttl in [0, 1, 255, 256] {
            log.step("set ttl", near.set_ttl(ttl));
            log.step("ttl", near.ttl());
        }
        log.step("error", near.take_error().map(|error| error.is_none()));
        let (listener, _) = listener();
        log.step("ttl of a listener", listener.set_ttl(7));
        log.step("it is", listener.ttl());
        log.step("error", listener.take_error().map(|error| error.is_none()));
    }

    fn clones_share(log: &mut Log) {
        let (near, mut far) = pair();
        let clone = log.made("clone", near.try_clone()).unwrap();
        log.step("timeout by one", clone.set_read_timeout(Some(A_MOMENT)));
        log.step("seen by the other", near.read_timeout().map(|timeout| timeout.is_some()));
        log.read("and felt", &near, 1);
        log.step("far writes", far.write(b"ab"));
        sleep(A_MOMENT);
        log.read("one", &near, 1);
        log.read("the other", &clone, 1);
        drop(near);
        log.step("still there", (&clone).write(b"x"));
        log.step("shut down", clone.shutdown(Shutdown::Write));
        log.read("far reads", &far, 10);
        log.read("far reads", &far, 10);
    }

    fn both_close_at_once(log: &mut Log) {
        let (near, far) = pair();
        log.step("near", near.shutdown(Shutdown::Write));
        log.step("far", far.shutdown(Shutdown::Write));
        log.read("near", &near, 1);
        log.read("far", &far, 1);
        sleep(A_MOMENT);
        log.step("near again", near.shutdown(Shutdown::Both));
        log.step("near writes", (&near).write(b"x"));
    }

    fn a_reader_and_a_writer_of_one_socket(log: &mut Log) {
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        let reader = spawn(move || {
            let mut log = Log::of("reader: ");
            log.read("read", &clone, 10);
            log.read("read", &clone, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("write", (&near).write(b"from near"));
        log.read("far reads", &far, 20);
        log.step("far writes", (&far).write(b"from far"));
        sleep(A_MOMENT);
        drop(far);
        log.add(reader.join().unwrap());
    }

    fn to_itself_in_ipv6(log: &mut Log) {
        let Some(listener) = log.made("bind", TcpListener::bind("[::1]:0")) else { return };
        let address = listener.local_addr().unwrap();
        let near = TcpStream::connect(address).unwrap();
        let (far, peer) = listener.accept().unwrap();
        log.note("the peer", peer == near.local_addr().unwrap());
        log.step("write", (&near).write(b"six"));
        log.read("read", &far, 10);
    }
}
