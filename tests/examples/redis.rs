//! The Redis examples: the protocol cut anywhere, what a client in disorder costs, jobs that outlive a worker.
//!
//! What compares with a real Redis, or needs one, is skipped where there is no `redis-server`.

use crate::program::{Outcome, Program, Server, finish, start};
use crate::resp::{ProtocolError, RequestParser, number, put_number};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

// ---- the parser

type Words = Vec<Vec<u8>>;

/// Feeds `bytes` in pieces as a session does, and returns the requests, and the error that ended them.
fn requests<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Words>, Option<ProtocolError>) {
    let (mut parser, mut input, mut found) = (RequestParser::default(), Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        let mut taken = 0;
        loop {
            match parser.next(&input[taken..]) {
                Ok(Some(request)) => {
                    taken += request.length();
                    found.push(request.from(0).map(<[u8]>::to_vec).collect());
                }
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
        input.drain(..taken);
    }
    (found, None)
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

#[test]
fn requests_are_the_same_wherever_they_are_cut() {
    let bytes = b"*2\r\n$4\r\nECHO\r\n$6\r\n\r\n$1\r\n\r\nPING\r\n\r\n*0\r\n*-1\r\n get  key \n*1\r\n$0\r\n\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nv\n\r\n";
    let wanted = [
        words(&["ECHO", "\r\n$1\r\n"]),
        words(&["PING"]),
        words(&[]),
        words(&[]),
        words(&[]),
        words(&["get", "key"]),
        words(&[""]),
        words(&["SET", "k", "v\n"]),
    ];
    assert_eq!(requests([&bytes[..]]), (wanted.to_vec(), None));
    assert_eq!(requests(bytes.chunks(1)), (wanted.to_vec(), None));
    for first in 0..bytes.len() {
        for second in first..bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(requests(pieces), (wanted.to_vec(), None), "cut at {first} and {second}");
        }
    }
}

#[test]
fn what_breaks_the_protocol_is_refused_wherever_it_is_cut() {
    use ProtocolError::{ArgumentCount, ArgumentLength, ExpectedArgument, ExpectedLineEnd, InlineTooLong};
    let long_line = [b'a'; (64 << 10) + 1];
    let cases: [(&[u8], ProtocolError); 16] = [
        (b"*x\r\n", ArgumentCount),
        (b"*\r\n", ArgumentCount),
        (b"*+1\r\n", ArgumentCount),
        (b"*1\rx", ArgumentCount),
        (b"*1048577\r\n", ArgumentCount),
        (b"*99999999999999999999\r\n", ArgumentCount),
        (b"*000000000000000000001", ArgumentCount),
        (b"*1\r\n$-1\r\n", ArgumentLength),
        (b"*1\r\n$536870913\r\n", ArgumentLength),
        (b"*1\r\n$9223372036854775807\r\n", ArgumentLength),
        (b"*1\r\n$4\n\r\nPING\r\n", ArgumentLength),
        (b"*1\r\n:4\r\n", ExpectedArgument(b':')),
        (b"*1\r\n*4\r\n", ExpectedArgument(b'*')),
        (b"*1\r\n$4\r\nPINGS\r\n", ExpectedLineEnd),
        (b"*1\r\n$4\r\nPING\rx", ExpectedLineEnd),
        (&long_line, InlineTooLong),
    ];
    for (bytes, error) in cases {
        let shown = bytes[..bytes.len().min(40)].escape_ascii();
        assert_eq!(requests([bytes]), (vec![], Some(error)), "{shown}");
        if bytes.len() < 100 {
            assert_eq!(requests(bytes.chunks(1)), (vec![], Some(error)), "{shown}");
            let behind = [b"PING\r\n", bytes].concat();
            assert_eq!(requests([&behind[..]]), (vec![words(&["PING"])], Some(error)), "{shown}");
        }
    }
    let longest = [&long_line[..64 << 10], b"\n"].concat();
    assert_eq!(requests([&longest[..]]).0[0][0].len(), 64 << 10);
}

#[test]
fn noise_is_answered_or_refused_and_never_more() {
    let alphabet = *b"*$0123-\r\n\r\n aP";
    let mut state = 1_u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..draw(40)).map(|_| alphabet[draw(alphabet.len())]).collect();
        let whole = requests([&bytes[..]]);
        let cut = requests(bytes.chunks(1 + draw(5)));
        assert_eq!(whole, cut, "{}", bytes.escape_ascii());
    }
}

#[test]
fn numbers_are_whole_and_fit() {
    for value in [0, 7, -7, 10, i64::MAX, i64::MIN] {
        let mut digits = Vec::new();
        put_number(value, &mut digits);
        assert_eq!(digits, value.to_string().into_bytes());
        assert_eq!(number(&digits), Some(value));
    }
    for not in ["", "-", "+1", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "0x1"] {
        assert_eq!(number(not.as_bytes()), None, "{not:?}");
    }
}

// ---- redis_like

/// Everything that comes back when all of `bytes` has been sent, and its end.
fn converse(mut stream: TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

const SCRIPT: [(&str, &str); 44] = [
    ("PING", "+PONG"),
    ("ping hello", "$5 hello"),
    ("ECHO hello", "$5 hello"),
    ("GET key", "$-1"),
    ("SET key one", "+OK"),
    ("GET key", "$3 one"),
    ("SET key two NX", "$-1"),
    ("SET other two XX", "$-1"),
    ("set key three xx", "+OK"),
    ("GET key", "$5 three"),
    ("TTL key", ":-1"),
    ("EXPIRE key 100", ":1"),
    ("TTL key", ":100"),
    ("SET key four EX 50 NX", "$-1"),
    ("SET key four EX 50", "+OK"),
    ("TTL key", ":50"),
    ("SET key five PX 2500", "+OK"),
    ("SET key six", "+OK"),
    ("TTL key", ":-1"),
    ("TTL none", ":-2"),
    ("EXPIRE none 10", ":0"),
    ("EXISTS key none key", ":2"),
    ("SET key v EX 0", "-ERR"),
    ("SET key v EX x", "-ERR"),
    ("SET key v EX", "-ERR"),
    ("SET key v NX XX", "-ERR"),
    ("EXPIRE key -1", ":1"),
    ("DEL key none", ":0"),
    ("INCR n", ":1"),
    ("INCR n", ":2"),
    ("SET n 9223372036854775807", "+OK"),
    ("INCR n", "-ERR"),
    ("SET n word", "+OK"),
    ("INCR n", "-ERR"),
    ("LPUSH list a b c", ":3"),
    ("LRANGE list 0 -1", "*3 $1 c $1 b $1 a"),
    ("LRANGE list -2 1", "*1 $1 b"),
    ("LRANGE list -9 9", "*3 $1 c $1 b $1 a"),
    ("LRANGE list 2 1", "*0"),
    ("LRANGE list 0 x", "-ERR"),
    ("GET list", "-WRONGTYPE"),
    ("LPUSH n a", "-WRONGTYPE"),
    ("GET", "-ERR"),
    ("NONSENSE 1", "-ERR"),
];

fn script() -> (String, String) {
    let sent = SCRIPT.iter().map(|(request, _)| format!("{request}\r\n")).collect();
    let answered = SCRIPT.iter().map(|(_, reply)| reply.replace(' ', "\r\n") + "\r\n").collect();
    (sent, answered)
}

/// The replies, of errors only the code: the words are each one's own.
fn without_words(replies: &str) -> String {
    let line = |line: &str| match line.strip_prefix('-').and_then(|error| error.split(' ').next()) {
        Some(code) => format!("-{code}\r\n"),
        None => line.to_owned(),
    };
    replies.split_inclusive('\n').map(line).collect()
}

#[test]
fn commands_are_answered_in_order_however_they_arrive() {
    let (sent, answered) = script();
    let server = Server::start("redis_like");
    assert_eq!(without_words(&converse(server.connect(), sent.as_bytes())), answered);
    server.end_by(libc::SIGTERM);

    let server = Server::start("redis_like");
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for piece in sent.as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
        thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(without_words(&converse(stream, b"")), answered);
    server.end_by(libc::SIGTERM);
}

#[test]
fn redis_itself_answers_the_same() {
    let Some(redis) = Redis::start() else { return };
    let (sent, answered) = script();
    assert_eq!(without_words(&converse(redis.connect(), sent.as_bytes())), answered);
}

#[test]
fn what_has_a_time_limit_ends_with_it() {
    let server = Server::start("redis_like");
    let set = b"SET short 1 PX 30\r\nSET longer 1 EX 100\r\nSET swept 1 PX 30\r\n";
    assert_eq!(converse(server.connect(), set), "+OK\r\n".repeat(3));
    thread::sleep(Duration::from_millis(40));
    let asked = converse(
        server.connect(),
        b"GET short\r\nTTL short\r\nSET short 2 NX\r\nTTL short\r\nEXISTS longer\r\n",
    );
    assert_eq!(asked, "$-1\r\n:-2\r\n+OK\r\n:-1\r\n:1\r\n");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(converse(server.connect(), b"DEL swept\r\nEXISTS longer short\r\n"), ":0\r\n:2\r\n");
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

#[test]
fn a_broken_protocol_is_answered_and_costs_that_client_only() {
    let server = Server::start("redis_like");
    let mut good = server.connect();
    let mut vanishing = server.connect();
    vanishing.write_all(b"*2\r\n$4\r\nECHO\r\n$100\r\nhalf").unwrap();
    for (bad, reason) in [
        ("*1\r\n$600000000\r\n", "invalid bulk length"),
        ("*2000000\r\n", "invalid multibulk length"),
        ("*1\r\n!\r\n", "expected '$', got '!'"),
    ] {
        let mut stream = server.connect();
        // What comes behind it, unread, does not take the answer away.
        let request = [b"PING\r\n", bad.as_bytes(), &[b'x'; 300_000]].concat();
        let _ = stream.write_all(&request);
        let mut answer = String::new();
        let _ = stream.shutdown(Shutdown::Write);
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, format!("+PONG\r\n-ERR Protocol error: {reason}\r\n"));
    }
    drop(vanishing);
    good.write_all(b"PING\r\n").unwrap();
    good.read_exact(&mut [0; 7]).unwrap();
    drop(good);
    assert_eq!(server.end_by(libc::SIGINT), "");
}

#[test]
fn a_long_value_and_a_long_pipeline_come_back_whole() {
    let server = Server::start("redis_like");
    let value = "0123456789abcdef".repeat(1 << 17);
    let set = format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n{value}\r\nGET big\r\n", value.len());
    let wanted = format!("+OK\r\n${}\r\n{value}\r\n", value.len());
    assert!(converse(server.connect(), set.as_bytes()) == wanted, "2 MiB came back otherwise");

    // Nobody reads before the end: the kernel's buffers fill, and the server waits.
    let mut stream = server.connect();
    let mut reading = stream.try_clone().unwrap();
    let echo = format!("ECHO {}\r\n", "x".repeat(990)).repeat(10_000);
    let writer = thread::spawn(move || {
        stream.write_all(echo.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    thread::sleep(Duration::from_millis(50));
    let mut replies = Vec::new();
    reading.read_to_end(&mut replies).unwrap();
    writer.join().unwrap();
    assert_eq!(replies.len(), 10_000 * (6 + 990 + 2));
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

// ---- redis_workers

/// A redis-server of this test's own, which keeps nothing.
struct Redis {
    _program: Program,
    address: String,
}

impl Redis {
    fn start() -> Option<Redis> {
        let there = Command::new("redis-server").arg("--version").output();
        if there.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            // Past the test harness, which shows what was printed only if a test fails.
            let said = "skipped: there is no redis-server; apt-get install redis-server has one\n";
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            return None;
        }
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            // Redis cannot pick a free port. Somebody else may take this one first, and then it ends.
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut command = Command::new("redis-server");
            command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
            command.args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                std::env::temp_dir().to_str().unwrap(),
            ]);
            let redis = Redis { _program: Program::start(command), address: address.to_string() };
            for _ in 0..100 {
                if let Ok(stream) = TcpStream::connect(address) {
                    assert_eq!(converse(stream, b"PING\r\n"), "+PONG\r\n");
                    return Some(redis);
                }
                thread::sleep(Duration::from_millis(20));
            }
            assert!(Instant::now() < patience, "redis-server does not start");
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }
}

#[test]
fn jobs_of_a_worker_that_was_killed_are_done_by_another() {
    let Some(redis) = Redis::start() else { return };
    let address = &*redis.address;
    let given = finish("redis_workers", &[address, "produce", "--jobs", "250", "--at-once", "3"]);
    given.assert_lines(&["250 jobs given"]);

    // It would need a minute for each of the four jobs that it takes.
    let victim = start("redis_workers", &[address, "work", "--at-once", "4", "--job-ms", "60000"]);
    assert_eq!(victim.line(), "working");
    let patience = Instant::now() + Duration::from_secs(20);
    while converse(redis.connect(), b"HLEN jobs:begun\r\n") != ":4\r\n" {
        assert!(Instant::now() < patience, "four jobs are not begun");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(victim.end_by(libc::SIGKILL).code, None);

    let options = ["--at-once", "4", "--job-ms", "1", "--patience-ms", "300"];
    let heir = start("redis_workers", &[&[address, "work"], &options[..]].concat());
    assert_eq!(heir.line(), "working");
    let results = finish("redis_workers", &[address, "results", "--jobs", "250"]);
    results.assert_lines(&["jobs=250 missing_or_wrong=0 begun_more_than_once=4 left=0 taken=0"]);
    let heir: Outcome = heir.end_by(libc::SIGTERM);
    heir.assert_lines(&["250 jobs done, 4 of them taken over"]);
    assert_eq!(heir.stderr, "");
}

#[test]
fn results_are_missed_until_they_are_there() {
    let Some(redis) = Redis::start() else { return };
    finish("redis_workers", &[&redis.address, "produce", "--jobs", "3"]).assert_lines(&["3 jobs given"]);
    let results = finish("redis_workers", &[&redis.address, "results", "--jobs", "3", "--patience-ms", "20"]);
    results.assert_one_line_error("redis_workers", 1);
    assert!(results.stderr.contains("0 of 3"), "{results:?}");

    let worker = start("redis_workers", &[&redis.address, "work", "--job-ms", "1"]);
    let results = finish("redis_workers", &[&redis.address, "results", "--jobs", "3"]);
    results.assert_lines(&["jobs=3 missing_or_wrong=0 begun_more_than_once=0 left=0 taken=0"]);
    let worker = worker.end_by(libc::SIGINT);
    worker.assert_lines(&["working", "3 jobs done, 0 of them taken over"]);
}

#[test]
fn workers_without_a_server_or_a_role_are_one_clear_line() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for role in ["produce", "work", "results"] {
        let refused = finish("redis_workers", &[&address, role]);
        refused.assert_one_line_error("redis_workers", 1);
        assert!(refused.stderr.contains("refused"), "{refused:?}");
    }
    finish("redis_workers", &[&address]).assert_one_line_error("redis_workers", 2);
    finish("redis_workers", &[&address, "sing"]).assert_one_line_error("redis_workers", 2);
}
