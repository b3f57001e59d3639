//! What stands around the calls: names, signals, errno, and programs that are run.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, Steps};
use crate::libc_calls::{self as c, Errno};
use crate::sockets::{pair, pipe};

script_list! {
    fn names_are_looked_up(_world, log) {
        log.note("a number", c::getaddrinfo(Some("127.0.0.1"), Some("80"), libc::AI_NUMERICHOST));
        log.note("no number", c::getaddrinfo(Some("localhost"), Some("80"), libc::AI_NUMERICHOST));
        log.note("localhost", c::getaddrinfo(Some("localhost"), Some("9"), 0));
        log.note("a service", c::getaddrinfo(Some("127.0.0.1"), Some("http"), 0));
        log.note("no such service", c::getaddrinfo(Some("127.0.0.1"), Some("no-such-service"), 0));
        log.note("to listen", c::getaddrinfo(None, Some("9"), libc::AI_PASSIVE));
        log.note("neither", c::getaddrinfo(None, None, 0));
        log.note("bad flags", c::getaddrinfo(Some("127.0.0.1"), None, 1 << 20));
    }

    fn look_ups_beside_each_other(world, log) {
        let parties: Vec<_> = (0..8)
            .map(|n| {
                world.party("caller", move |log| {
                    log.note("port", c::getaddrinfo(Some("localhost"), Some(&format!("{}", 100 + n)), 0));
                })
            })
            .collect();
        parties.into_iter().for_each(|party| party.join(log));
    }

    fn a_signal_breaks_no_call_that_is_restarted(world, log) {
        c::catch_sigusr1();
        let (near, far) = pair();
        let tid = Arc::new(AtomicI32::new(0));
        let own = tid.clone();
        let heard = Steps::default();
        let hears = heard.clone();
        let receiver = world.party("receiver", move |log| {
            own.store(c::gettid(), Ordering::SeqCst);
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            hears.take();
            log.call("read", c::read(near.raw(), &mut [0; 4]));
        });
        for round in 0..2 {
            heard.wait_for(round);
            c::signal_thread(tid.load(Ordering::SeqCst));
            std::thread::sleep(A_MOMENT);
            c::send(far.raw(), b"x", 0).unwrap();
        }
        receiver.join(log);
    }

    fn errno_is_ones_own(world, log) {
        let (near, far) = pair();
        let waits = world.party("one", move |log| {
            log.call("close of none", c::close(-1));
            log.note("errno", Errno::last());
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            // A call that succeeds leaves it as it was.
            log.note("errno after a wait", Errno::last());
        });
        let other = world.party("other", move |log| {
            let (reader, writer) = pipe();
            drop(reader);
            log.call("write", c::write(writer.raw(), b"x"));
            std::thread::sleep(A_MOMENT);
            log.note("errno after a sleep", Errno::last());
        });
        c::send(far.raw(), b"x", 0).unwrap();
        waits.join(log);
        other.join(log);
    }

    fn a_program_and_its_output(world, log) {
        let beside = world.party("beside", |log| {
            log.lasting("sleep", A_MOMENT, || std::thread::sleep(A_MOMENT));
        });
        let output = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output().unwrap();
        log.note("code", output.status.code());
        log.note("out", String::from_utf8_lossy(&output.stdout));
        log.note("err", String::from_utf8_lossy(&output.stderr));
        beside.join(log);
    }

    fn a_program_is_fed_and_read(world, log) {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let feeding = world.party("feeder", move |log| log.step("write", input.write_all(&vec![b'x'; 300_000])));
        let mut all = Vec::new();
        log.step("read", output.read_to_end(&mut all));
        feeding.join(log);
        log.note("code", child.wait().unwrap().code());
    }

    fn os_threads_of_their_own_stay_plain(_world, log) {
        let (near, far) = pair();
        let waits = std::thread::spawn(move || {
            let mut room = [0; 4];
            let got = c::recv(near.raw(), &mut room, 0);
            (got, near)
        });
        std::thread::sleep(A_MOMENT);
        c::send(far.raw(), b"abc", 0).unwrap();
        let (got, _near) = waits.join().unwrap();
        log.call("recv", got);
        let slept = std::thread::spawn(|| {
            let begin = std::time::Instant::now();
            std::thread::sleep(A_MOMENT);
            begin.elapsed() + Duration::from_millis(1) >= A_MOMENT
        });
        log.note("slept", slept.join().unwrap());
    }
}
