//! `read` and `write`, and their vectored forms, on pipes, counters, timers and files.

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, pattern, pipe, sum};

script_list! {
    fn a_read_waits_and_sees_the_end(world, log) {
        let (reader, writer) = pipe();
        let writing = world.party("writer", move |log| {
            a_moment();
            log.call("write", c::write(writer.raw(), b"hello"));
            a_moment();
        });
        let mut room = [0; 3];
        for step in ["read", "the rest", "the end", "the end again"] {
            let got = c::read(reader.raw(), &mut room);
            log.bytes(step, got, &room);
        }
        writing.join(log);
    }

    fn a_broken_pipe(_world, log) {
        let (reader, writer) = pipe();
        drop(reader);
        log.call("write", c::write(writer.raw(), b"x"));
        log.call("writev", c::writev(writer.raw(), &[b"x", b"y"]));
    }

    fn a_large_write_returns_when_all_is_out(world, log) {
        let (reader, writer) = pipe();
        let reading = world.party("reader", move |log| {
            let (mut all, mut room) = (Vec::new(), vec![0; 10_000]);
            while let Ok(got @ 1..) = c::read(reader.raw(), &mut room) {
                all.extend_from_slice(&room[..got]);
            }
            log.note("sum", sum(&all));
        });
        let bytes = pattern(1 << 20);
        log.note("sum", sum(&[&bytes[..], &bytes].concat()));
        log.call("write", c::write(writer.raw(), &bytes));
        log.call("writev", c::writev(writer.raw(), &[&bytes[..7], &bytes[7..500_000], &bytes[500_000..]]));
        drop(writer);
        reading.join(log);
    }

    fn a_writer_whose_reader_goes_is_told(world, log) {
        let (reader, writer) = pipe();
        let writing = world.party("writer", move |log| {
            // What went out before is told first.
            log.call("write", c::write(writer.raw(), &vec![0; 1 << 20]).map(|written| written < 1 << 20));
            log.call("write again", c::write(writer.raw(), b"x"));
        });
        drop(reader);
        writing.join(log);
    }

    fn small_writes_are_whole(world, log) {
        let (reader, writer) = pipe();
        c::set_nonblocking(writer.raw(), true).unwrap();
        while c::write(writer.raw(), &[1; 4096]).is_ok() {}
        c::set_nonblocking(writer.raw(), false).unwrap();
        // Up to PIPE_BUF bytes go in as one, or wait (pipe(7)).
        let writers = ["first", "second"].map(|name| {
            let end = Fd(c::dup(writer.raw()).unwrap());
            let byte = name.as_bytes()[0];
            world.party(name, move |log| log.call("write", c::write(end.raw(), &[byte; 4096])))
        });
        drop(writer);
        let (mut all, mut room) = (Vec::new(), vec![0; 1000]);
        while let Ok(got @ 1..) = c::read(reader.raw(), &mut room) {
            all.extend_from_slice(&room[..got]);
        }
        writers.into_iter().for_each(|writer| writer.join(log));
        let runs: Vec<usize> = all.chunk_by(|a, b| a == b).skip(1).map(<[u8]>::len).collect();
        log.note("runs", runs);
    }

    fn vectored_reads(world, log) {
        let (reader, writer) = pipe();
        let writing = world.party("writer", move |log| {
            a_moment();
            log.call("writev", c::writev(writer.raw(), &[b"ab", b"cdefgh"]));
        });
        let (mut head, mut body) = ([0; 3], [0; 16]);
        log.call("readv", c::readv(reader.raw(), &mut [&mut head, &mut body]));
        log.note("head", head);
        log.note("body", body);
        log.call("the end", c::readv(reader.raw(), &mut [&mut head]));
        writing.join(log);
    }

    fn without_waiting(_world, log) {
        let (reader, writer) = c::pipe2(libc::O_NONBLOCK).map(|(reader, writer)| (Fd(reader), Fd(writer))).unwrap();
        log.call("its flag is seen", c::is_nonblocking(reader.raw()));
        log.call("read", c::read(reader.raw(), &mut [0; 4]));
        log.call("readv", c::readv(reader.raw(), &mut [&mut [0; 4]]));
        let full = loop {
            if let Err(full) = c::write(writer.raw(), &[0; 4096]) {
                break full;
            }
        };
        log.note("write", full);
        log.call("read what is there", c::read(reader.raw(), &mut [0; 4096]));
        log.call("a part goes in", c::write(writer.raw(), &[0; 100_000]).map(|written| written < 100_000));
        log.call("flag off", c::set_nonblocking(reader.raw(), false));
        log.call("the writer keeps its own", c::is_nonblocking(writer.raw()));
    }

    fn a_counter_wakes_its_reader(world, log) {
        let counter = Fd(c::eventfd(0).unwrap());
        let fd = counter.raw();
        let adding = world.party("adder", move |log| {
            a_moment();
            log.call("add", c::write(fd, &3_u64.to_ne_bytes()));
        });
        let mut value = [0; 8];
        log.call("read", c::read(fd, &mut value));
        log.note("value", u64::from_ne_bytes(value));
        log.call("too small a buffer", c::read(fd, &mut [0; 4]));
        adding.join(log);
        log.call("fill", c::write(fd, &(u64::MAX - 1).to_ne_bytes()));
        let waiting = world.party("adder", move |log| log.call("add", c::write(fd, &1_u64.to_ne_bytes())));
        log.call("empty", c::read(fd, &mut value));
        waiting.join(log);
        log.call("what was added meanwhile", c::read(fd, &mut value));
        log.note("value", u64::from_ne_bytes(value));
    }

    fn a_timer_wakes_its_reader(_world, log) {
        let timer = Fd(c::timerfd(A_MOMENT).unwrap());
        let mut value = [0; 8];
        let got = log.lasting("read", A_MOMENT, || c::read(timer.raw(), &mut value));
        log.call("read", got);
        log.note("expirations", u64::from_ne_bytes(value));
    }

    fn files_are_read_and_written(_world, log) {
        let path = log.path("file");
        let mut file = std::fs::File::options().create(true).truncate(true).read(true).write(true).open(path).unwrap();
        log.step("write", file.write(b"hello, file"));
        log.step("seek", file.seek(SeekFrom::Start(0)));
        let mut room = [0; 16];
        let got = file.read(&mut room);
        log.read("read", got, &room);
        log.step("the end", file.read(&mut room));
        log.call("readv", c::readv(file.as_raw_fd(), &mut [&mut room]));
        log.call("writev", c::writev(file.as_raw_fd(), &[b"a", b"b"]));
        log.call("recv", c::recv(file.as_raw_fd(), &mut room, 0));
    }

    fn the_null_device_and_zeroes(_world, log) {
        let null = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
        log.call("read", c::read(null.as_raw_fd(), &mut [0; 4]));
        log.call("write", c::write(null.as_raw_fd(), b"gone"));
        let zero = std::fs::File::open("/dev/zero").unwrap();
        let mut room = [1; 4];
        log.call("zeroes", c::read(zero.as_raw_fd(), &mut room));
        log.note("room", room);
        log.call("write to what is for reading", c::write(zero.as_raw_fd(), b"x"));
    }

    fn the_wrong_end(_world, log) {
        let (reader, writer) = pipe();
        log.call("write", c::write(reader.raw(), b"x"));
        log.call("read", c::read(writer.raw(), &mut [0; 4]));
        log.call("readv", c::readv(writer.raw(), &mut [&mut [0; 4]]));
        log.call("writev", c::writev(reader.raw(), &[b"x"]));
    }

    fn a_shared_pipe_of_many(world, log) {
        let (reader, writer) = pipe();
        let fd = reader.raw();
        let readers: Vec<_> = (0..5)
            .map(|_| world.party("reader", move |log| log.call("read", c::read(fd, &mut [0; 1]))))
            .collect();
        for _ in 0..5 {
            c::write(writer.raw(), b"x").unwrap();
        }
        readers.into_iter().for_each(|reader| reader.join(log));
        log.call("none is left", c::fionread(fd));
        let begin = std::time::Instant::now();
        drop(writer);
        log.call("the end", c::read(fd, &mut [0; 1]));
        log.note("at once", begin.elapsed() < Duration::from_secs(2));
    }
}
