//! `io`: standard input that parks and loses nothing, standard output that is whole. Each case is played by a child process,
//! this same binary, whose standard streams are the test's.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::io::{BufRead, Read, Write, stdin, stdout};
use greenroom::process::{Child, ChildStdin, Command, Stdio};
use greenroom::thread::Cancelled;
use greenroom::{joinall, sleep, spawn, timeout, yield_now};

use crate::support::{OnDrop, hub, ms, panic_of};

const CASE: &str = "GREENROOM_IO_CASE";
/// Before what a case says: the test harness prints, too.
const SAYS: &str = "\n> ";

// ---- the child's side ----

#[test]
fn a_child_plays_the_case_it_is_told() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (_, play) = CASES.iter().find(|(name, _)| *name == case).expect("a case of the table");
    greenroom::run(play);
    // An OS thread may still be reading.
    std::process::exit(0);
}

const CASES: &[(&str, fn())] = &[
    ("lines", || {
        let ticks = spawn(|| {
            (0..10).for_each(|_| sleep(ms(1)));
            say("others go on");
        });
        let mut lines = stdin().lines();
        say(lines.next().unwrap().unwrap());
        assert!(ticks.is_finished());
        for line in lines {
            say(line.unwrap());
        }
        say("end");
    }),
    ("interrupted", || {
        let mut tries = 0;
        let mut line = loop {
            tries += 1;
            if tries == 6 {
                say("tries again and again");
            }
            let mut line = String::new();
            let _ = timeout(Duration::from_micros(300), || stdin().read_line(&mut line));
            if !line.is_empty() {
                break line;
            }
        };
        assert_eq!(line.pop(), Some('\n'));
        say(line);
        let mut exact = [0; 4];
        while stdin().read_exact(&mut exact).is_err() {}
        let _ = timeout(ms(1), || stdin().read_to_string(&mut String::new()));
        let killed = spawn(|| drop(stdin().read_to_end(&mut Vec::new())));
        yield_now();
        killed.kill();
        killed.wait();
        say("interrupted");
        let mut rest = String::new();
        stdin().read_to_string(&mut rest).unwrap();
        say(format!("{} {}", String::from_utf8_lossy(&exact), rest.trim()));
    }),
    ("cancelled", || {
        let reader = spawn(|| stdin().read(&mut [0; 8]).unwrap_err());
        yield_now();
        reader.cancel();
        let error = reader.join().unwrap();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()), "{error}");
        say("cancelled");
        say(stdin().lines().next().unwrap().unwrap());
    }),
    ("shared", || {
        let got = Rc::new(RefCell::new(Vec::new()));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let got = got.clone();
                spawn(move || {
                    let mut lock = stdin().lock();
                    let (mut one, mut two) = (String::new(), String::new());
                    lock.read_line(&mut one).unwrap();
                    lock.read_line(&mut two).unwrap();
                    got.borrow_mut().push(format!("{}{}", one.trim(), two.trim()));
                })
            })
            .collect();
        joinall(readers);
        say(got.borrow().join(" "));
    }),
    ("after std", || {
        let mut first = String::new();
        std::io::stdin().read_line(&mut first).unwrap();
        let mut second = String::new();
        stdin().read_line(&mut second).unwrap();
        say(format!("{} {}", first.trim(), second.trim()));
    }),
    ("closed", || {
        for _ in 0..3 {
            assert_eq!(stdin().read(&mut [0; 8]).unwrap(), 0);
            assert_eq!(stdin().read_line(&mut String::new()).unwrap(), 0);
        }
        assert!(stdin().lines().next().is_none());
        assert_eq!(stdin().read_exact(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        say("end");
    }),
    ("no text", || {
        let mut line = String::from("before");
        let error = stdin().read_line(&mut line).unwrap_err();
        assert_eq!((error.kind(), line.as_str()), (std::io::ErrorKind::InvalidData, "before"));
        stdin().read_line(&mut line).unwrap();
        say(line.trim());
    }),
    ("locked twice", || {
        let _lock = stdin().lock();
        say(panic_of(|| stdin().read(&mut [0])).contains("lock"));
    }),
    ("unwinding", || {
        let victim = spawn(|| {
            let _reads = OnDrop(|| say(stdin().read_line(&mut String::new()).is_err()));
            sleep(Duration::from_secs(1000));
        });
        yield_now();
        victim.kill();
        victim.wait();
    }),
    ("two hubs", || {
        let other = std::thread::spawn(|| greenroom::run(|| stdin().lines().next().unwrap().unwrap()));
        let other = other.join().unwrap();
        say(format!("{other} {}", stdin().lines().next().unwrap().unwrap()));
    }),
    ("torn", || {
        let writers: Vec<_> = (0..20)
            .map(|number| {
                let mut output = stdout();
                spawn(move || {
                    for _ in 0..10 {
                        writeln!(output, "{SAYS}{}", number.to_string().repeat(3000)).unwrap();
                        yield_now();
                    }
                })
            })
            .collect();
        joinall(writers);
    }),
    ("much", || {
        let mut all = Vec::new();
        stdin().read_to_end(&mut all).unwrap();
        say(all.len());
        say(all.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
    }),
];

fn say(word: impl std::fmt::Display) {
    println!("{SAYS}{word}");
}

// ---- the parent's side ----

struct Playing {
    child: Child,
    input: Option<ChildStdin>,
}

impl Playing {
    fn start(case: &str) -> Playing {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "io::a_child_plays_the_case_it_is_told", "--nocapture", "--test-threads=1"])
            .env(CASE, case)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        Playing { child, input }
    }

    fn feed(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
    }

    /// Waits until it says so.
    fn hears(&mut self, word: &str) {
        let (output, wanted) = (self.child.stdout.as_mut().unwrap(), format!("> {word}\n"));
        let mut heard = Vec::new();
        while !heard.ends_with(wanted.as_bytes()) {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            heard.extend(byte);
        }
    }

    /// Closes its input, and returns what it said since it was last heard.
    fn end(mut self) -> Vec<String> {
        drop(self.input.take());
        self.said()
    }

    /// Leaves its input open: it ends by itself.
    fn said(self) -> Vec<String> {
        let output = self.child.wait_with_output().unwrap();
        let (said, complaints) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {said} {complaints}", output.status);
        said.lines().filter_map(|line| line.strip_prefix("> ").map(str::to_owned)).collect()
    }
}

#[test]
fn lines_come_as_they_are_typed_and_the_others_go_on() {
    hub(|| {
        let mut playing = Playing::start("lines");
        playing.hears("others go on");
        playing.feed("one\ntw");
        sleep(ms(5));
        playing.feed("o\nthree");
        assert_eq!(playing.end(), ["one", "two", "three", "end"]);
    });
}

#[test]
fn a_read_that_is_interrupted_loses_nothing() {
    hub(|| {
        let mut playing = Playing::start("interrupted");
        playing.hears("tries again and again");
        for part in ["hel", "lo, wor", "ld\nex", "act and the rest"] {
            playing.feed(part);
            sleep(ms(20));
        }
        playing.hears("hello, world");
        playing.hears("interrupted");
        assert_eq!(playing.end(), ["exac t and the rest"]);
    });
}

#[test]
fn a_cancelled_read_fails_and_the_next_gets_the_line() {
    hub(|| {
        let mut playing = Playing::start("cancelled");
        playing.hears("cancelled");
        playing.feed("the line\n");
        // It ends although somebody could still type.
        let _open = playing.input.take();
        assert_eq!(playing.said(), ["the line"]);
    });
}

#[test]
fn readers_have_it_one_after_the_other() {
    hub(|| {
        let mut playing = Playing::start("shared");
        for line in ["a\n", "b\nc", "\n", "d\ne\nf\n"] {
            playing.feed(line);
            sleep(ms(5));
        }
        assert_eq!(playing.end(), ["ab cd ef"]);
    });
}

#[test]
fn what_std_has_read_ahead_comes_first() {
    hub(|| {
        let mut playing = Playing::start("after std");
        playing.feed("one\ntwo\n");
        assert_eq!(playing.end(), ["one two"]);
    });
}

#[test]
fn the_end_of_the_input_stays_the_end() {
    hub(|| assert_eq!(Playing::start("closed").end(), ["end"]));
}

#[test]
fn a_line_that_is_no_text_is_an_error_and_the_next_is_read() {
    hub(|| {
        let mut playing = Playing::start("no text");
        playing.feed(b"\xFF\xFE\n and after\n");
        assert_eq!(playing.end(), ["before and after"]);
    });
}

#[test]
fn whoever_has_the_lock_and_reads_past_it_is_told() {
    hub(|| assert_eq!(Playing::start("locked twice").end(), ["true"]));
}

#[test]
fn whoever_unwinds_does_not_wait_for_input() {
    hub(|| {
        let mut playing = Playing::start("unwinding");
        let _open = playing.input.take();
        assert_eq!(playing.said(), ["true"]);
    });
}

#[test]
fn hubs_share_it() {
    hub(|| {
        let mut playing = Playing::start("two hubs");
        playing.feed("one\ntwo\n");
        assert_eq!(playing.end(), ["one two"]);
    });
}

#[test]
fn much_comes_whole() {
    hub(|| {
        let mut playing = Playing::start("much");
        let bytes: Vec<u8> = (0..3_000_000).map(|at| (at % 251) as u8).collect();
        playing.feed(&bytes);
        assert_eq!(playing.end(), ["3000000", "true"]);
    });
}

#[test]
fn what_one_call_writes_to_standard_output_is_not_torn() {
    hub(|| {
        let said = Playing::start("torn").end();
        assert_eq!(said.len(), 200);
        for line in said {
            let number = if line.len() == 3000 { &line[..1] } else { &line[..2] };
            assert_eq!(line, number.repeat(3000));
        }
    });
}
