//! `poll` and `ppoll`: no descriptors, one, 1,024; no time, some, all of it; every event that can come back.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libc::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDHUP, pollfd};

use crate::differential::log::Log;
use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, Steps, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, listener, pair, pipe, tcp, udp};

const MANY: usize = 1024;
/// As poll wants it.
const MOMENT: i32 = A_MOMENT.as_millis() as i32;

fn asked(fd: RawFd, events: i16) -> pollfd {
    // What poll does not write stays as it is: that would show.
    pollfd { fd, events, revents: 0x7777 }
}

/// The revents, by their names.
fn names(revents: i16) -> Vec<&'static str> {
    let known = [
        (POLLIN, "IN"),
        (POLLPRI, "PRI"),
        (POLLOUT, "OUT"),
        (POLLRDHUP, "RDHUP"),
        (POLLERR, "ERR"),
        (POLLHUP, "HUP"),
        (POLLNVAL, "NVAL"),
    ];
    let mut names: Vec<_> =
        known.iter().filter(|(bit, _)| revents & bit != 0).map(|(_, name)| *name).collect();
    if revents & !known.iter().fold(0, |all, (bit, _)| all | bit) != 0 {
        names.push("more");
    }
    names
}

/// Polls `set`, and writes down how many are ready, and each one's revents.
fn polled(log: &mut Log, what: &str, mut set: Vec<pollfd>, timeout: i32) {
    let ready = c::poll(&mut set, timeout);
    log.note(what, (ready, set.iter().map(|each| names(each.revents)).collect::<Vec<_>>()));
}

script_list! {
    fn nobody_for_no_time(_world, log) {
        let ready = c::poll(&mut [], 0);
        log.call("poll", ready);
        log.call("ppoll", c::ppoll(&mut [], Some(Duration::ZERO)));
    }

    fn nobody_for_a_moment(_world, log) {
        let ready = log.lasting("poll", A_MOMENT, || c::poll(&mut [], MOMENT));
        log.call("poll", ready);
        let ready = log.lasting("ppoll", A_MOMENT, || c::ppoll(&mut [], Some(A_MOMENT)));
        log.call("ppoll", ready);
        let little = Duration::from_micros(300);
        let ready = log.lasting("ppoll for less than a millisecond", little, || c::ppoll(&mut [], Some(little)));
        log.call("ppoll for less than a millisecond", ready);
    }

    fn one_for_no_time(_world, log) {
        let (near, far) = pair();
        polled(log, "nothing there", vec![asked(near.raw(), POLLIN)], 0);
        polled(log, "room", vec![asked(near.raw(), POLLIN | POLLOUT)], 0);
        c::send(far.raw(), b"x", 0).unwrap();
        polled(log, "something there", vec![asked(near.raw(), POLLIN)], 0);
        polled(log, "both", vec![asked(near.raw(), POLLIN | POLLOUT | POLLPRI)], 0);
        polled(log, "nothing asked", vec![asked(near.raw(), 0)], 0);
        polled(log, "still there", vec![asked(near.raw(), POLLIN)], 0);
    }

    fn one_for_a_moment(_world, log) {
        let (near, _far) = pair();
        let mut set = [asked(near.raw(), POLLIN)];
        let ready = log.lasting("poll", A_MOMENT, || c::poll(&mut set, MOMENT));
        log.note("poll", (ready, set[0].revents));
        polled(log, "after it", vec![asked(near.raw(), POLLIN)], MOMENT);
        let mut set = [asked(near.raw(), POLLIN | POLLOUT)];
        log.call("ppoll", c::ppoll(&mut set, Some(Duration::from_secs(9))));
        log.note("revents", names(set[0].revents));
    }

    fn one_for_ever(world, log) {
        let (near, far) = pair();
        let heard = Steps::default();
        let hears = heard.clone();
        let poller = world.party("poller", move |log| {
            polled(log, "poll", vec![asked(near.raw(), POLLIN)], -1);
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            hears.take();
            polled(log, "any negative number is for ever", vec![asked(near.raw(), POLLIN)], -77);
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            hears.take();
            let mut set = [asked(near.raw(), POLLIN)];
            log.call("ppoll", c::ppoll(&mut set, None));
            log.note("revents", names(set[0].revents));
        });
        for round in 0..3 {
            heard.wait_for(round);
            c::send(far.raw(), b"x", 0).unwrap();
        }
        poller.join(log);
    }

    fn many_for_no_time(_world, log) {
        let pairs: Vec<_> = (0..MANY).map(|_| pair()).collect();
        let set = || pairs.iter().map(|(near, _)| asked(near.raw(), POLLIN)).collect::<Vec<_>>();
        let mut nobody = set();
        log.call("nobody", c::poll(&mut nobody, 0));
        log.note("all are written", nobody.iter().all(|each| each.revents == 0));
        for at in [0, 500, MANY - 1] {
            c::send(pairs[at].1.raw(), b"x", 0).unwrap();
        }
        let mut some = set();
        log.call("three", c::poll(&mut some, 0));
        let ready = some.iter().enumerate().filter(|(_, each)| each.revents != 0);
        log.note("which", ready.map(|(at, each)| (at, names(each.revents))).collect::<Vec<_>>());
        let mut all: Vec<_> = pairs.iter().map(|(near, _)| asked(near.raw(), POLLOUT)).collect();
        log.call("all", c::poll(&mut all, 0));
        log.note("all have room", all.iter().all(|each| each.revents == POLLOUT));
    }

    fn many_for_a_moment(_world, log) {
        let pairs: Vec<_> = (0..MANY).map(|_| pair()).collect();
        let mut set: Vec<_> = pairs.iter().map(|(near, _)| asked(near.raw(), POLLIN)).collect();
        let ready = log.lasting("poll", A_MOMENT, || c::poll(&mut set, MOMENT));
        log.call("poll", ready);
        log.note("all are written", set.iter().all(|each| each.revents == 0));
    }

    fn many_for_ever(world, log) {
        let pairs: Vec<_> = (0..MANY).map(|_| pair()).collect();
        let far: Vec<RawFd> = pairs.iter().map(|(_, far)| far.raw()).collect();
        let heard = Steps::default();
        let hears = heard.clone();
        let poller = world.party("poller", move |log| {
            for round in ["first", "second", "third"] {
                let mut set: Vec<_> = pairs.iter().map(|(near, _)| asked(near.raw(), POLLIN)).collect();
                log.call(round, c::poll(&mut set, -1));
                for (at, each) in set.iter().enumerate().filter(|(_, each)| each.revents != 0) {
                    log.note("who", (at, names(each.revents)));
                    log.call("recv", c::recv(each.fd, &mut [0; 4], 0));
                }
                hears.take();
            }
        });
        for (round, at) in [700, 0, MANY - 1].into_iter().enumerate() {
            heard.wait_for(round);
            c::send(far[at], b"x", 0).unwrap();
        }
        poller.join(log);
    }

    fn a_peer_that_goes(world, log) {
        for (name, (near, far)) in [("pair", pair()), ("second pair", pair())] {
            let poller = world.party(name, move |log| {
                polled(log, "in", vec![asked(near.raw(), POLLIN)], -1);
                polled(log, "rdhup", vec![asked(near.raw(), POLLRDHUP)], -1);
                polled(log, "nothing asked", vec![asked(near.raw(), 0)], -1);
                polled(log, "all", vec![asked(near.raw(), POLLIN | POLLOUT | POLLRDHUP | POLLPRI)], -1);
            });
            drop(far);
            poller.join(log);
        }
    }

    fn a_peer_that_shuts_down(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        let poller = world.party("poller", move |log| {
            polled(log, "rdhup", vec![asked(fd, POLLRDHUP)], -1);
            polled(log, "in", vec![asked(fd, POLLIN | POLLRDHUP)], -1);
            polled(log, "out", vec![asked(fd, POLLOUT)], -1);
        });
        log.step("shut down", far.shutdown(Shutdown::Write));
        poller.join(log);
        log.step("shut down here", near.shutdown(Shutdown::Write));
        a_moment();
        polled(log, "both", vec![asked(fd, 0)], MOMENT);
        polled(log, "all", vec![asked(fd, POLLIN | POLLOUT | POLLRDHUP)], MOMENT);
    }

    fn a_reset(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        let poller = world.party("poller", move |log| polled(log, "nothing asked", vec![asked(fd, 0)], -1));
        (&near).write_all(b"unread").unwrap();
        a_moment();
        // Closed with data unread: a reset.
        drop(far);
        poller.join(log);
        polled(log, "all", vec![asked(fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI)], 0);
    }

    fn pipes(world, log) {
        let (reader, writer) = pipe();
        polled(log, "empty", vec![asked(reader.raw(), POLLIN), asked(writer.raw(), POLLOUT)], 0);
        let fd = reader.raw();
        let poller = world.party("poller", move |log| polled(log, "hang up", vec![asked(fd, POLLIN)], -1));
        drop(writer);
        poller.join(log);
        let (reader, writer) = pipe();
        let fd = writer.raw();
        let poller = world.party("poller", move |log| polled(log, "error", vec![asked(fd, 0)], -1));
        drop(reader);
        poller.join(log);
        polled(log, "still", vec![asked(fd, POLLOUT)], -1);
    }

    fn what_is_not_open(_world, log) {
        let (near, _far) = pair();
        let closed = c::dup(near.raw()).unwrap();
        c::close(closed).unwrap();
        // Nobody opens 1,000,000 of them.
        polled(log, "alone", vec![asked(1_000_000, POLLIN)], -1);
        polled(log, "for a moment", vec![asked(1_000_000, POLLIN)], MOMENT);
        polled(log, "beside another", vec![asked(near.raw(), POLLIN), asked(1_000_000, POLLIN | POLLOUT)], -1);
        polled(log, "one that was open", vec![asked(near.raw(), POLLIN), asked(closed, POLLOUT)], -1);
        polled(log, "nothing asked", vec![asked(1_000_000, 0)], 0);
        let ready = log.lasting("negative ones are left out", A_MOMENT, || {
            let mut set = [asked(-1, POLLIN), asked(-5, POLLOUT), asked(near.raw(), POLLIN)];
            (c::poll(&mut set, MOMENT), set.map(|each| each.revents))
        });
        log.note("negative ones are left out", ready);
        let ready = log.lasting("only negative ones", A_MOMENT, || c::poll(&mut [asked(-1, POLLIN)], MOMENT));
        log.call("only negative ones", ready);
    }

    fn the_same_one_twice(world, log) {
        let (near, far) = pair();
        let fd = near.raw();
        let poller = world.party("poller", move |log| {
            polled(log, "reading twice", vec![asked(fd, POLLIN), asked(fd, POLLIN)], -1);
            polled(log, "reading and nothing", vec![asked(fd, 0), asked(fd, POLLIN)], -1);
            polled(log, "reading and writing", vec![asked(fd, POLLIN), asked(fd, POLLOUT)], -1);
        });
        c::send(far.raw(), b"x", 0).unwrap();
        poller.join(log);
    }

    fn two_poll_one(world, log) {
        let (near, far) = pair();
        let fd = near.raw();
        let pollers = ["first", "second"]
            .map(|name| world.party(name, move |log| polled(log, "poll", vec![asked(fd, POLLIN)], -1)));
        c::send(far.raw(), b"x", 0).unwrap();
        pollers.into_iter().for_each(|poller| poller.join(log));
    }

    fn one_polls_and_one_sends(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        let poller = world.party("poller", move |log| polled(log, "poll", vec![asked(fd, POLLIN)], -1));
        let clone = near.try_clone().unwrap();
        let writer = world.party("writer", move |log| log.step("write", (&clone).write_all(&vec![0; 4 << 20])));
        (&far).write_all(b"x").unwrap();
        poller.join(log);
        let drain = world.party("drain", move |log| {
            log.step("drain", std::io::copy(&mut &far, &mut std::io::sink()));
        });
        writer.join(log);
        drop(near);
        drain.join(log);
    }

    fn room_to_write(world, log) {
        let (near, far) = pair();
        c::set_nonblocking(near.raw(), true).unwrap();
        while c::send(near.raw(), &[0; 4096], 0).is_ok() {}
        let fd = near.raw();
        polled(log, "full", vec![asked(fd, POLLOUT)], 0);
        let poller = world.party("poller", move |log| polled(log, "poll", vec![asked(fd, POLLOUT)], -1));
        let mut room = vec![0; 1 << 20];
        while c::recv(far.raw(), &mut room, libc::MSG_DONTWAIT).is_ok() {}
        poller.join(log);
    }

    fn a_listener(world, log) {
        let (listener, port) = listener();
        let fd = listener.as_raw_fd();
        polled(log, "nobody", vec![asked(fd, POLLIN | POLLOUT)], MOMENT);
        let poller = world.party("poller", move |log| polled(log, "somebody", vec![asked(fd, POLLIN | POLLOUT)], -1));
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        poller.join(log);
        log.step("accept", listener.accept().map(drop));
        polled(log, "nobody again", vec![asked(fd, POLLIN)], MOMENT);
    }

    fn sockets_before_a_connection(_world, log) {
        let stream = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM).unwrap());
        polled(log, "stream", vec![asked(stream.raw(), POLLIN | POLLOUT | POLLRDHUP)], -1);
        let datagram = Fd(c::socket(libc::AF_INET, libc::SOCK_DGRAM).unwrap());
        polled(log, "datagram", vec![asked(datagram.raw(), POLLIN | POLLOUT)], -1);
        let unix = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
        polled(log, "unix", vec![asked(unix.raw(), POLLIN | POLLOUT)], -1);
    }

    fn files_are_always_ready(_world, log) {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        polled(log, "a file", vec![asked(file.as_raw_fd(), POLLIN | POLLOUT)], -1);
        polled(log, "the null device", vec![asked(null.as_raw_fd(), POLLIN | POLLOUT)], -1);
        let (near, _far) = pair();
        polled(log, "a file and a socket", vec![asked(near.raw(), POLLIN), asked(file.as_raw_fd(), POLLIN)], -1);
        let ready = log.lasting("nothing asked of a file", A_MOMENT, || {
            let mut set = [asked(file.as_raw_fd(), 0), asked(near.raw(), POLLIN)];
            (c::poll(&mut set, MOMENT), set.map(|each| each.revents))
        });
        log.note("nothing asked of a file", ready);
    }

    fn counters_timers_and_datagrams(world, log) {
        let counter = Fd(c::eventfd(0).unwrap());
        let (near, far) = udp();
        let (fds, heard) = ([counter.raw(), near.as_raw_fd()], Steps::default());
        let hears = heard.clone();
        let poller = world.party("poller", move |log| {
            polled(log, "the counter", fds.map(|fd| asked(fd, POLLIN)).to_vec(), -1);
            log.call("read", c::read(fds[0], &mut [0; 8]));
            let timer = Fd(c::timerfd(A_MOMENT * 2).unwrap());
            let all = [fds[0], timer.raw(), fds[1]];
            polled(log, "the timer", all.map(|fd| asked(fd, POLLIN)).to_vec(), -1);
            log.call("read", c::read(timer.raw(), &mut [0; 8]));
            hears.take();
            polled(log, "the datagram", all.map(|fd| asked(fd, POLLIN)).to_vec(), -1);
        });
        c::write(counter.raw(), &1_u64.to_ne_bytes()).unwrap();
        heard.wait_for(1);
        far.send(b"x").unwrap();
        poller.join(log);
        drop((counter, near));
    }

    fn urgent_data(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        let poller = world.party("poller", move |log| polled(log, "poll", vec![asked(fd, POLLPRI)], -1));
        c::send(far.as_raw_fd(), b"!", libc::MSG_OOB).unwrap();
        poller.join(log);
        polled(log, "beside others", vec![asked(fd, POLLPRI | POLLIN | POLLOUT)], 0);
        drop(near);
    }

    fn more_than_there_may_be(_world, log) {
        // Above RLIMIT_NOFILE the kernel refuses the set before it looks at it.
        let mut set = vec![asked(-1, POLLIN); 1 << 21];
        log.call("poll", c::poll(&mut set, 0));
    }

    fn nonblocking_descriptors_are_waited_for_all_the_same(world, log) {
        let (near, far) = pair();
        c::set_nonblocking(near.raw(), true).unwrap();
        let poller = world.party("poller", move |log| {
            polled(log, "poll", vec![asked(near.raw(), POLLIN)], -1);
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            log.call("recv again", c::recv(near.raw(), &mut [0; 4], 0));
        });
        c::send(far.raw(), b"x", 0).unwrap();
        poller.join(log);
    }
}
