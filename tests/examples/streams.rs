//! The examples that pass on what others send: the chat, the relay, the downloads.

use crate::program::{Server, finish};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, process, thread};

// ---- chat

/// A client of the chat, line by line.
struct Talker(BufReader<TcpStream>);

impl Talker {
    fn new(server: &Server, name: &str, room: &str) -> Talker {
        let mut talker = Talker(BufReader::new(server.connect()));
        talker.hears("* your name?");
        talker.says(name);
        talker.hears("* which room?");
        talker.says(room);
        talker
    }

    fn says(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn hears(&mut self, wanted: &str) {
        assert_eq!(self.line(), wanted);
    }
}

#[test]
fn what_one_says_all_others_in_the_room_hear() {
    let server = Server::start("chat");
    let mut ann = Talker::new(&server, "Ann", "tea");
    ann.hears("* you are in tea, where there are: Ann");
    let mut bob = Talker::new(&server, "Bob", "tea");
    bob.hears("* you are in tea, where there are: Ann, Bob");
    ann.hears("* Bob comes in");
    let mut cleo = Talker::new(&server, "Cleo", "coffee");
    cleo.hears("* you are in coffee, where there are: Cleo");

    ann.says("good day");
    ann.says("\u{1b}[2Jto \u{7}you");
    bob.hears("Ann: good day");
    bob.hears("Ann: [2Jto you");
    cleo.says("nobody hears this");
    cleo.says("/room tea");
    cleo.hears("* you are in tea, where there are: Ann, Bob, Cleo");
    for other in [&mut ann, &mut bob] {
        other.hears("* Cleo comes in");
    }
    cleo.says("hello");
    cleo.says("/who");
    cleo.hears("* here: Ann, Bob, Cleo");
    bob.hears("Cleo: hello");
    bob.says("/quit");
    assert_eq!(bob.line(), "", "the connection ends");
    for other in [&mut ann, &mut cleo] {
        if other.line() == "Cleo: hello" {
            other.hears("* Bob leaves");
        }
    }

    // One that vanishes leaves as well.
    drop(cleo);
    ann.hears("* Cleo leaves");
    assert_eq!(server.end_by(libc::SIGTERM), "");
    ann.hears("* the chat is over");
    assert_eq!(ann.line(), "");
}

#[test]
fn a_name_is_one_and_is_one_persons() {
    let server = Server::start("chat");
    let mut ann = Talker::new(&server, "Ann", "tea");
    ann.hears("* you are in tea, where there are: Ann");
    let mut other = Talker(BufReader::new(server.connect()));
    other.hears("* your name?");
    other.says("not a name");
    other.hears("* 1 to 32 letters and digits");
    other.hears("* your name?");
    other.says("Ann");
    other.hears("* which room?");
    other.says("coffee");
    other.hears("* you are in coffee, where there are: Ann");
    other.says("/room tea");
    other.hears("* there is a Ann in tea already");
    other.says("/who");
    other.hears("* here: Ann");
    let mut third = Talker::new(&server, "Ann", "tea");
    third.hears("* there is a Ann in tea already");
    assert_eq!(third.line(), "");

    let mut endless = Talker::new(&server, "Endless", "tea");
    ann.hears("* Endless comes in");
    endless.says(&"a".repeat(2000));
    ann.hears("* Endless leaves");
    drop((ann, other, endless));
    let said = server.end_by(libc::SIGINT);
    assert!(said.contains("a line longer than 1 KiB"), "{said}");
}

#[test]
fn who_does_not_listen_is_put_out_and_holds_nobody_up() {
    let server = Server::start("chat");
    let mut deaf = Talker::new(&server, "Deaf", "tea");
    deaf.hears("* you are in tea, where there are: Deaf");
    let mut listener = Talker::new(&server, "Listener", "tea");
    listener.hears("* you are in tea, where there are: Deaf, Listener");
    let mut talker = Talker::new(&server, "Talker", "tea");
    talker.hears("* you are in tea, where there are: Deaf, Listener, Talker");
    listener.hears("* Talker comes in");

    let line = "x".repeat(1000);
    let heard = thread::spawn(move || {
        let mut lines = 0;
        loop {
            match &*listener.line() {
                "* Deaf leaves" => return (lines, listener),
                line => assert!(line.starts_with("Talker: x"), "{line}"),
            }
            lines += 1;
        }
    });
    let (mut said, began) = (0, Instant::now());
    while !heard.is_finished() {
        // Not faster than somebody listens who does: a line a turn.
        talker.says(&line);
        said += 1;
        assert!(said < 200_000, "the deaf one is still there");
        if said % 100 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    // A writer that gets nothing rid gives up after a minute: too late for the others.
    assert!(began.elapsed() < Duration::from_secs(30), "everybody has waited for the deaf one");
    let (lines, _listener) = heard.join().unwrap();
    assert!(lines > 256, "only {lines} lines were heard before");
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

// ---- proxy

/// A target that answers, once its client has said all, with that, backwards.
fn backwards() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let (mut stream, mut all) = (stream.unwrap(), Vec::new());
                // A client that has vanished is none of its business.
                let _ = stream.read_to_end(&mut all);
                all.reverse();
                let _ = stream.write_all(&all);
            });
        }
    });
    address
}

#[test]
fn an_end_is_passed_on_and_the_answer_still_comes() {
    let proxy = Server::start_with("proxy", &[&backwards()]);
    let all: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (mut stream, mut wanted) = (proxy.connect(), all.clone());
            thread::spawn(move || {
                stream.write_all(&wanted).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).unwrap();
                wanted.reverse();
                assert!(answer == wanted, "{} bytes came back, or others", answer.len());
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_eq!(proxy.end_by(libc::SIGTERM), "");
}

#[test]
fn both_directions_are_passed_on_at_the_same_time() {
    let upper = Server::start("upper_server");
    let proxy = Server::start_with("proxy", &[&upper.address]);
    let mut vanishing = proxy.connect();
    vanishing.write_all(b"half a li").unwrap();
    let mut client = BufReader::new(proxy.connect());
    drop(vanishing);
    for number in 0..100 {
        client.get_mut().write_all(format!("line {number}\n").as_bytes()).unwrap();
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        assert_eq!(line, format!("LINE {number}\n"));
    }
    // The target's end reaches the client, though the client has not said all.
    upper.end_by(libc::SIGTERM);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    drop(client);
    assert_eq!(proxy.end_by(libc::SIGTERM), "");
}

#[test]
fn a_proxy_ends_in_order_with_both_sides_still_there() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Server::start_with("proxy", &[&target.local_addr().unwrap().to_string()]);
    let mut client = proxy.connect();
    let (mut server, _) = target.accept().unwrap();
    server.write_all(b"x").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
    assert_eq!(proxy.end_by(libc::SIGTERM), "");
    assert_eq!((client.read(&mut [0; 1]).unwrap(), server.read(&mut [0; 1]).unwrap()), (0, 0));
}

#[test]
fn a_target_that_is_not_there_costs_each_client_only() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let proxy = Server::start_with("proxy", &[&nobody]);
    for _ in 0..2 {
        match proxy.connect().read(&mut [0; 1]) {
            Ok(got) => assert_eq!(got, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    let said = proxy.end_by(libc::SIGTERM);
    assert_eq!(said.matches(&*nobody).count(), 2, "{said}");
    finish("proxy", &["127.0.0.1:0"]).assert_one_line_error("proxy", 2);
    finish("proxy", &["127.0.0.1:0", "nowhere"]).assert_one_line_error("proxy", 2);
}

// ---- downloads

#[test]
fn downloads_run_as_many_at_once_as_the_pool_has_room_for() {
    let run = finish("downloads", &["--files", "4", "--kilobytes", "32", "--at-once", "2"]);
    let lines: Vec<String> = (0..4)
        .map(|number| format!("file {number}: {} bytes, as they were sent", 32 * 1024 * (number + 1) + 7))
        .chain(["4 files, 2 at once".to_owned()])
        .collect();
    run.assert_lines(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.stderr, "");
}

#[test]
fn downloads_stay_where_one_wants_them() {
    let directory = std::env::temp_dir().join(format!("greenroom-downloads-{}", process::id()));
    let name = directory.to_str().unwrap();
    let missing = finish("downloads", &[name]);
    missing.assert_one_line_error("downloads", 1);
    assert!(missing.stderr.contains(name), "{missing:?}");

    fs::create_dir(&directory).unwrap();
    let run = finish("downloads", &[name, "--files", "2", "--kilobytes", "1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
        .collect();
    files.sort();
    assert_eq!(files, [("file-0".to_owned(), 1031), ("file-1".to_owned(), 2055)]);
    fs::remove_dir_all(&directory).unwrap();
}
