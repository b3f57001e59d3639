//! `select`: three sets, no descriptors, no time, some, all of it.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use crate::differential::log::Log;
use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls::{self as c, Sets};
use crate::sockets::{pair, pipe, tcp};

/// Selects, and writes down how many are ready and which, by their places: numbers of descriptors are nobody's business.
fn selected(log: &mut Log, what: &str, sets: &Sets, timeout: Option<Duration>) {
    let (ready, found) = c::select(sets, timeout);
    let places = |asked: &[RawFd], found: &[RawFd]| {
        asked.iter().enumerate().filter(|(_, fd)| found.contains(fd)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let found = (
        places(&sets.read, &found.read),
        places(&sets.write, &found.write),
        places(&sets.except, &found.except),
    );
    log.note(what, (ready, found));
}

fn to_read(fds: &[RawFd]) -> Sets {
    Sets { read: fds.to_vec(), ..Sets::default() }
}

script_list! {
    fn nobody(_world, log) {
        selected(log, "no time", &Sets::default(), Some(Duration::ZERO));
        log.lasting("a moment", A_MOMENT, || c::select(&Sets::default(), Some(A_MOMENT)).0.unwrap());
    }

    fn one(world, log) {
        let (near, far) = pair();
        let sets = to_read(&[near.raw()]);
        selected(log, "nothing there", &sets, Some(Duration::ZERO));
        let (ready, found) = log.lasting("for a moment", A_MOMENT, || c::select(&sets, Some(A_MOMENT)));
        log.call("for a moment", ready);
        log.note("sets are emptied", found == Sets::default());
        let selecting = world.party("one", move |log| selected(log, "for ever", &sets, None));
        c::send(far.raw(), b"x", 0).unwrap();
        selecting.join(log);
    }

    fn all_three_sets(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        let sets = Sets { read: vec![fd], write: vec![fd], except: vec![fd] };
        selected(log, "room", &sets, None);
        let except = Sets { except: vec![fd], ..Sets::default() };
        let selecting = world.party("one", move |log| selected(log, "urgent", &except, None));
        c::send(far.as_raw_fd(), b"ab!", libc::MSG_OOB).unwrap();
        selecting.join(log);
        selected(log, "all", &sets, None);
        drop(near);
    }

    fn the_end_of_a_stream_is_readable(world, log) {
        let (near, far) = pair();
        let fd = near.raw();
        let selecting = world.party("one", move |log| {
            selected(log, "end", &to_read(&[fd]), None);
            selected(log, "all", &Sets { read: vec![fd], write: vec![fd], except: vec![fd] }, None);
        });
        drop(far);
        selecting.join(log);
        let (reader, writer) = pipe();
        drop(reader);
        selected(log, "a broken pipe", &Sets { write: vec![writer.raw()], ..Sets::default() }, None);
    }

    fn many(world, log) {
        let pairs: Vec<_> = (0..100).map(|_| pair()).collect();
        let near: Vec<RawFd> = pairs.iter().map(|(near, _)| near.raw()).collect();
        selected(log, "nobody", &to_read(&near), Some(A_MOMENT));
        let selecting = world.party("one", move |log| selected(log, "two", &to_read(&near), None));
        a_moment();
        c::send(pairs[99].1.raw(), b"x", 0).unwrap();
        selecting.join(log);
        c::send(pairs[0].1.raw(), b"x", 0).unwrap();
        let near: Vec<RawFd> = pairs.iter().map(|(near, _)| near.raw()).collect();
        selected(log, "both", &to_read(&near), None);
        let all = Sets { read: near.clone(), write: near, except: Vec::new() };
        log.call("both counts are added", c::select(&all, None).0);
    }

    fn what_is_not_open(_world, log) {
        let (near, _far) = pair();
        // A number that was open: those beyond all that were, Linux leaves out.
        let closed = c::dup(near.raw()).unwrap();
        c::close(closed).unwrap();
        selected(log, "alone", &to_read(&[closed]), None);
        selected(log, "beside another", &to_read(&[near.raw(), closed]), Some(A_MOMENT));
    }

    fn files_are_always_ready(_world, log) {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let (near, _far) = pair();
        selected(log, "a file", &to_read(&[near.raw(), file.as_raw_fd()]), None);
    }
}
