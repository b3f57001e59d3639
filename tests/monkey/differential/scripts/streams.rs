//! What a program does with std's TCP and Unix streams.

use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{pattern, sum, tcp};

/// Has a stream end by a reset instead of a farewell.
fn reset(stream: std::net::TcpStream) {
    linger_no_longer(stream.as_raw_fd());
    drop(stream);
}

#[expect(unsafe_code, reason = "std has no name for SO_LINGER")]
fn linger_no_longer(fd: i32) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: reads one linger.
    let set = unsafe {
        let size = size_of::<libc::linger>() as u32;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size)
    };
    assert_eq!(set, 0);
}

script_list! {
    fn a_word_and_the_end(world, log) {
        let (mut near, far) = tcp();
        let reader = world.party("reader", move |log| {
            let mut room = [0; 2];
            for step in ["two", "two more", "the last", "the end", "the end again"] {
                let got = (&far).read(&mut room);
                log.read(step, got, &room);
            }
        });
        log.step("write", near.write(b"hello"));
        log.step("flush", near.flush());
        a_moment();
        drop(near);
        reader.join(log);
    }

    fn lines_there_and_back(world, log) {
        let (near, far) = tcp();
        let upper = world.party("server", move |log| {
            let mut lines = BufReader::new(&far);
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap() > 0 {
                (&far).write_all(line.to_uppercase().as_bytes()).unwrap();
                log.note("line", &line);
                line.clear();
            }
        });
        let mut answers = BufReader::new(&near);
        for word in ["eat\n", "play\n", "sleep\n"] {
            log.step("write", (&near).write_all(word.as_bytes()));
            let mut answer = String::new();
            log.step("read", answers.read_line(&mut answer));
            log.note("answer", answer);
        }
        log.step("half-close", near.shutdown(Shutdown::Write));
        log.step("the rest", answers.read_to_string(&mut String::new()));
        upper.join(log);
    }

    fn half_close(world, log) {
        let (near, mut far) = tcp();
        let answerer = world.party("far", move |log| {
            let mut question = String::new();
            log.step("reads all", far.read_to_string(&mut question));
            log.note("question", question);
            log.step("answers", far.write_all(b"answer"));
            log.step("shuts down", far.shutdown(Shutdown::Write));
            log.step("writes", far.write(b"x"));
        });
        log.step("write", (&near).write_all(b"question"));
        a_moment();
        log.step("shut down", near.shutdown(Shutdown::Write));
        log.step("write after it", (&near).write(b"x"));
        let mut answer = String::new();
        log.step("read", (&near).read_to_string(&mut answer));
        log.note("answer", answer);
        answerer.join(log);
    }

    fn shutdown_twice(_world, log) {
        let (near, far) = tcp();
        for how in [Shutdown::Write, Shutdown::Write, Shutdown::Read, Shutdown::Read, Shutdown::Both, Shutdown::Both] {
            log.step("near", near.shutdown(how));
        }
        a_moment();
        log.step("far reads", (&far).read(&mut [0; 4]));
        log.step("far", far.shutdown(Shutdown::Both));
        a_moment();
        log.step("far again", far.shutdown(Shutdown::Both));
        log.step("near again", near.shutdown(Shutdown::Write));
    }

    fn shutdown_wakes_a_reader(world, log) {
        let (near, _far) = tcp();
        let waits = near.try_clone().unwrap();
        let reader = world.party("reader", move |log| log.step("read", (&waits).read(&mut [0; 4])));
        log.step("shut down", near.shutdown(Shutdown::Read));
        reader.join(log);
    }

    fn shutdown_wakes_a_writer(world, log) {
        let (near, _far) = tcp();
        let waits = near.try_clone().unwrap();
        let writer = world.party("writer", move |log| {
            log.step("write all", (&waits).write_all(&vec![1; 32 << 20]));
            log.step("write", (&waits).write(b"x"));
        });
        log.step("shut down", near.shutdown(Shutdown::Write));
        writer.join(log);
    }

    fn a_reset_under_a_reader(world, log) {
        let (near, far) = tcp();
        let reader = world.party("reader", move |log| {
            log.step("read", (&near).read(&mut [0; 4]));
            log.step("read again", (&near).read(&mut [0; 4]));
            log.step("write", (&near).write(b"x"));
            log.call("SO_ERROR", c::take_error(near.as_raw_fd()));
        });
        reset(far);
        reader.join(log);
    }

    fn a_reset_under_a_writer(world, log) {
        let (near, far) = tcp();
        let writer = world.party("writer", move |log| log.step("write all", (&near).write_all(&vec![0; 32 << 20])));
        reset(far);
        writer.join(log);
    }

    fn a_reset_behind_data(_world, log) {
        let (near, mut far) = tcp();
        log.step("far writes", far.write(b"lost"));
        reset(far);
        a_moment();
        log.step("read", (&near).read(&mut [0; 9]));
        log.step("read again", (&near).read(&mut [0; 9]));
        log.step("write", (&near).write(b"x"));
    }

    fn writes_to_one_who_is_gone(_world, log) {
        let (mut near, far) = tcp();
        drop(far);
        a_moment();
        for step in ["the first", "the second", "the third"] {
            log.step(step, near.write(b"x"));
            a_moment();
        }
        log.step("read", near.read(&mut [0; 4]));
    }

    fn peek_waits_and_leaves_it(world, log) {
        let (near, mut far) = tcp();
        let writer = world.party("far", move |log| {
            a_moment();
            log.step("write", far.write(b"abcdef"));
            far.shutdown(Shutdown::Write).unwrap();
        });
        let mut room = [0; 4];
        for step in ["peek", "peek again"] {
            let got = near.peek(&mut room);
            log.read(step, got, &room);
        }
        for step in ["read", "read on", "the end"] {
            let got = (&near).read(&mut room);
            log.read(step, got, &room);
        }
        log.step("peek at the end", near.peek(&mut room));
        writer.join(log);
    }

    fn a_read_timeout_passes_and_is_lifted(world, log) {
        let (near, mut far) = tcp();
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        log.step("get", near.read_timeout());
        for step in ["read", "peek"] {
            let wait = || if step == "read" { (&near).read(&mut [0; 4]) } else { near.peek(&mut [0; 4]) };
            let ended = log.lasting(step, A_MOMENT, wait);
            log.step(step, ended);
        }
        log.step("zero", near.set_read_timeout(Some(Duration::ZERO)));
        log.step("lift", near.set_read_timeout(None));
        let writer = world.party("far", move |log| {
            a_moment();
            a_moment();
            log.step("write", far.write(b"late"));
        });
        log.step("read for ever", (&near).read(&mut [0; 4]));
        writer.join(log);
    }

    fn a_write_timeout_passes(_world, log) {
        let (near, far) = tcp();
        log.step("set", near.set_write_timeout(Some(A_MOMENT)));
        let chunk = vec![7; 64 << 10];
        // How much goes out before nobody takes more is the kernel's affair; how it ends is not.
        let end = loop {
            if let Err(end) = (&near).write_all(&chunk) {
                break end;
            }
        };
        log.step("write", Err::<(), _>(end));
        log.step("read goes on", { near.set_read_timeout(Some(A_MOMENT)).unwrap(); (&near).read(&mut [0; 4]) });
        drop(far);
    }

    fn a_timeout_on_a_clone_holds_for_both(_world, log) {
        let (near, _far) = tcp();
        let clone = near.try_clone().unwrap();
        log.step("set", clone.set_read_timeout(Some(A_MOMENT)));
        log.step("get", near.read_timeout());
        log.step("read", (&near).read(&mut [0; 4]));
    }

    fn vectored(world, log) {
        let (mut near, mut far) = tcp();
        let reader = world.party("reader", move |log| {
            let (mut head, mut body) = ([0; 3], [0; 16]);
            let got = far.read_vectored(&mut [IoSliceMut::new(&mut head), IoSliceMut::new(&mut body)]);
            log.step("read", got);
            log.note("head", head);
            log.note("body", body);
            log.step("at the end", far.read_vectored(&mut [IoSliceMut::new(&mut head)]));
        });
        log.step("write", near.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cdefg")]));
        log.step("write of nothing", near.write_vectored(&[]));
        a_moment();
        drop(near);
        reader.join(log);
    }

    fn zero_length(_world, log) {
        let (mut near, mut far) = tcp();
        log.step("limit", near.set_read_timeout(Some(A_MOMENT)));
        // Linux's TCP waits for data even if there is no room for them.
        let got = log.lasting("read of nothing", A_MOMENT, || near.read(&mut []));
        log.step("read of nothing", got);
        log.step("write of nothing", near.write(&[]));
        log.step("far writes", far.write(b"x"));
        a_moment();
        log.step("read of nothing again", near.read(&mut []));
        log.step("read", near.read(&mut [0; 4]));
    }

    fn megabytes_arrive_whole(world, log) {
        let (mut near, far) = tcp();
        let reader = world.party("reader", move |log| {
            let mut all = Vec::new();
            log.step("read to the end", (&far).read_to_end(&mut all));
            log.note("sum", sum(&all));
        });
        let bytes = pattern(3 << 20);
        log.note("sum", sum(&bytes));
        log.step("write all", near.write_all(&bytes));
        drop(near);
        reader.join(log);
    }

    fn megabytes_both_ways(world, log) {
        let (near, far) = tcp();
        let echo = world.party("echo", move |log| {
            log.step("copy", std::io::copy(&mut &far, &mut &far));
            far.shutdown(Shutdown::Write).unwrap();
        });
        let clone = near.try_clone().unwrap();
        let writer = world.party("writer", move |log| {
            log.step("write all", (&clone).write_all(&pattern(2 << 20)));
            log.step("shut down", clone.shutdown(Shutdown::Write));
        });
        let mut all = Vec::new();
        log.step("read to the end", (&near).read_to_end(&mut all));
        log.note("sum", sum(&all) == sum(&pattern(2 << 20)));
        writer.join(log);
        echo.join(log);
    }

    fn nonblocking_says_so_at_once(_world, log) {
        let (near, mut far) = tcp();
        log.step("set", near.set_nonblocking(true));
        log.step("read", (&near).read(&mut [0; 4]));
        log.step("peek", near.peek(&mut [0; 4]));
        log.step("far writes", far.write(b"x"));
        a_moment();
        log.step("read what is there", (&near).read(&mut [0; 4]));
        let full = loop {
            if let Err(full) = (&near).write(&[0; 65536]) {
                break full;
            }
        };
        log.step("write", Err::<(), _>(full));
        log.step("set back", near.set_nonblocking(false));
        log.step("timeout", near.set_read_timeout(Some(A_MOMENT)));
        log.step("read waits again", (&near).read(&mut [0; 4]));
    }

    fn nonblocking_set_by_a_clone_while_others_wait(world, log) {
        let (near, mut far) = tcp();
        let waits = near.try_clone().unwrap();
        // Who waits already goes on waiting: the kernel looked at the flag when the call began.
        let reader = world.party("reader", move |log| {
            log.step("read", (&waits).read(&mut [0; 4]));
            log.step("read again", (&waits).read(&mut [0; 4]));
        });
        log.step("set", near.set_nonblocking(true));
        a_moment();
        log.step("far writes", far.write(b"x"));
        reader.join(log);
    }

    fn two_readers_share_what_comes(world, log) {
        let (near, far) = tcp();
        let readers = ["first", "second"].map(|name| {
            let stream = near.try_clone().unwrap();
            world.party(name, move |log| log.step("read", (&stream).read_exact(&mut [0; 1])))
        });
        (&far).write_all(b"a").unwrap();
        a_moment();
        (&far).write_all(b"b").unwrap();
        readers.into_iter().for_each(|reader| reader.join(log));
    }

    fn a_reader_and_a_writer_of_one_stream(world, log) {
        let (near, far) = tcp();
        let reads = near.try_clone().unwrap();
        let reader = world.party("reader", move |log| log.step("read", (&reads).read_exact(&mut [0; 3])));
        let writer = world.party("writer", move |log| log.step("write", (&near).write_all(&vec![0; 4 << 20])));
        (&far).write_all(b"now").unwrap();
        reader.join(log);
        let drain = world.party("drain", move |log| log.step("drain", std::io::copy(&mut &far, &mut std::io::sink())));
        writer.join(log);
        drain.join(log);
    }

    fn unix_streams(world, log) {
        let (near, far) = UnixStream::pair().unwrap();
        let reader = world.party("far", move |log| {
            let mut all = String::new();
            log.step("read to the end", (&far).read_to_string(&mut all));
            log.note("all", all);
            log.step("write", (&far).write(b"x"));
        });
        log.step("timeout", near.set_read_timeout(Some(A_MOMENT)));
        log.step("read", (&near).read(&mut [0; 4]));
        log.step("write", (&near).write_all(b"hello"));
        log.step("shut down", near.shutdown(Shutdown::Write));
        a_moment();
        log.step("read", (&near).read(&mut [0; 4]));
        log.step("read", (&near).read(&mut [0; 4]));
        reader.join(log);
    }

    fn a_unix_stream_whose_peer_is_gone(world, log) {
        let (near, far) = UnixStream::pair().unwrap();
        let clone = near.try_clone().unwrap();
        let writer = world.party("writer", move |log| log.step("write all", (&clone).write_all(&vec![0; 4 << 20])));
        drop(far);
        writer.join(log);
        // A read here finds the end, or that the peer left data unread, as the kernel's books were when the write ended.
        log.step("write", (&near).write(b"x"));
    }
}
