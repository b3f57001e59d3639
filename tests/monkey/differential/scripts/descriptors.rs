//! Descriptors while they are used: copies, flags as the program set them, numbers that are used again, children.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::differential::child;
use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, pair, pipe, tcp};

script_list! {
    fn a_copy_reads_what_the_other_would(world, log) {
        let (near, far) = pair();
        let copy = Fd(c::dup(near.raw()).unwrap());
        let reader = world.party("reader", move |log| {
            let mut room = [0; 4];
            let got = c::recv(copy.raw(), &mut room, 0);
            log.bytes("recv by the copy", got, &room);
        });
        c::send(far.raw(), b"abc", 0).unwrap();
        reader.join(log);
        log.call("O_NONBLOCK", c::is_nonblocking(near.raw()));
    }

    fn the_first_of_two_is_closed_before_the_wait(world, log) {
        let (near, far) = pair();
        let copy = Fd(c::dup(near.raw()).unwrap());
        // Used once, so that whoever keeps books has it in them.
        c::set_timeout(near.raw(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
        c::set_timeout(near.raw(), libc::SO_RCVTIMEO, Duration::ZERO).unwrap();
        drop(near);
        let reader = world.party("reader", move |log| {
            log.call("recv by the copy", c::recv(copy.raw(), &mut [0; 4], 0));
            log.call("the end", c::recv(copy.raw(), &mut [0; 4], 0));
        });
        c::send(far.raw(), b"abc", 0).unwrap();
        a_moment();
        drop(far);
        reader.join(log);
    }

    fn a_copy_is_closed_under_the_other(world, log) {
        let (near, far) = pair();
        let copy = c::dup(near.raw()).unwrap();
        let fd = near.raw();
        let reader = world.party("reader", move |log| log.call("recv", c::recv(fd, &mut [0; 4], 0)));
        log.call("close the copy", c::close(copy));
        c::send(far.raw(), b"abc", 0).unwrap();
        reader.join(log);
        drop(near);
    }

    fn dup2_puts_another_in_its_place(_world, log) {
        let (near, far) = pair();
        let (other, beyond) = pair();
        c::set_timeout(near.raw(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
        log.call("dup2", c::dup2(other.raw(), near.raw()).map(|fd| fd == near.raw()));
        log.call("the old end is gone", c::recv(far.raw(), &mut [0; 4], 0));
        c::send(beyond.raw(), b"new", 0).unwrap();
        let mut room = [0; 8];
        let got = c::recv(near.raw(), &mut room, 0);
        log.bytes("recv of the new", got, &room);
        log.call("onto itself", c::dup2(near.raw(), near.raw()).map(drop));
        log.call("of none", c::dup2(-1, near.raw()));
        log.call("onto none", c::dup2(near.raw(), -1));
        c::send(beyond.raw(), b"still", 0).unwrap();
        let got = c::recv(near.raw(), &mut room, 0);
        log.bytes("still there", got, &room);
    }

    fn a_number_that_is_used_again_has_nothing_of_the_old(_world, log) {
        for round in 0..20 {
            let (near, far) = pair();
            if round % 2 == 0 {
                c::set_nonblocking(near.raw(), true).unwrap();
                log.call("quiet", c::recv(near.raw(), &mut [0; 4], 0));
            } else {
                c::set_timeout(near.raw(), libc::SO_RCVTIMEO, A_MOMENT / 5).unwrap();
                log.lasting("waits", A_MOMENT / 5, || c::recv(near.raw(), &mut [0; 4], 0).unwrap_err());
            }
            log.call("O_NONBLOCK", c::is_nonblocking(near.raw()));
            drop(far);
            if round % 3 == 0 {
                drop(near);
                let (reader, _writer) = pipe();
                log.call("a pipe's", c::is_nonblocking(reader.raw()));
            }
        }
    }

    fn a_number_that_a_counter_has_next_waits_as_counters_do(world, log) {
        let (near, _far) = pair();
        let number = near.raw();
        c::set_nonblocking(number, true).unwrap();
        log.call("recv", c::recv(number, &mut [0; 4], 0));
        drop(near);
        let counter = Fd(c::eventfd(0).unwrap());
        log.note("the same number", counter.raw() == number);
        log.call("O_NONBLOCK", c::is_nonblocking(number));
        let reader = world.party("reader", move |log| {
            log.call("read", c::read(number, &mut [0; 8]));
            log.call("recv", c::recv(number, &mut [0; 8], 0));
        });
        log.call("write", c::write(number, &1_u64.to_ne_bytes()));
        reader.join(log);
    }

    fn o_nonblock_by_fcntl_is_seen_and_heeded(_world, log) {
        let (near, _far) = pair();
        let fd = near.raw();
        c::set_timeout(fd, libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        log.call("before", c::fcntl(fd, libc::F_GETFL, 0));
        log.lasting("waits", A_MOMENT, || c::recv(fd, &mut [0; 4], 0).unwrap_err());
        log.call("after a wait", c::fcntl(fd, libc::F_GETFL, 0));
        log.call("set", c::set_nonblocking(fd, true));
        log.call("seen", c::fcntl(fd, libc::F_GETFL, 0));
        log.call("recv", c::recv(fd, &mut [0; 4], 0));
        log.call("taken", c::set_nonblocking(fd, false));
        log.call("seen", c::fcntl(fd, libc::F_GETFL, 0));
        log.lasting("waits again", A_MOMENT, || c::recv(fd, &mut [0; 4], 0).unwrap_err());
    }

    fn o_nonblock_by_ioctl_is_seen_and_heeded(_world, log) {
        let (reader, _writer) = pipe();
        let fd = reader.raw();
        log.call("set", c::fionbio(fd, true));
        log.call("seen", c::fcntl(fd, libc::F_GETFL, 0));
        log.call("read", c::read(fd, &mut [0; 4]));
        log.call("taken", c::fionbio(fd, false));
        log.call("seen", c::fcntl(fd, libc::F_GETFL, 0));
        log.call("bad descriptor", c::fionbio(-1, true));
        log.call("a file", c::fionbio(std::fs::File::open("/dev/null").unwrap().as_raw_fd(), true));
    }

    fn o_nonblock_belongs_to_all_copies(_world, log) {
        let (near, _far) = pair();
        let copy = Fd(c::dup(near.raw()).unwrap());
        let third = Fd(c::fcntl(near.raw(), libc::F_DUPFD_CLOEXEC, 0).unwrap());
        log.call("set by the copy", c::set_nonblocking(copy.raw(), true));
        for fd in [&near, &copy, &third] {
            log.call("seen", c::is_nonblocking(fd.raw()));
            log.call("recv", c::recv(fd.raw(), &mut [0; 4], 0));
        }
        log.call("taken by the third", c::fionbio(third.raw(), false));
        c::set_timeout(near.raw(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        for fd in [&near, &copy, &third] {
            log.call("seen", c::is_nonblocking(fd.raw()));
            log.lasting("waits", A_MOMENT, || c::recv(fd.raw(), &mut [0; 4], 0).unwrap_err());
        }
    }

    fn flags_seen_while_somebody_waits(world, log) {
        let (near, far) = tcp();
        let (reader, writer) = pipe();
        let (listener, port) = crate::sockets::listener();
        let fds = [near.as_raw_fd(), reader.raw(), listener.as_raw_fd()];
        let receiving = world.party("recv", move |log| log.call("recv", c::recv(fds[0], &mut [0; 4], 0)));
        let reading = world.party("read", move |log| log.call("read", c::read(fds[1], &mut [0; 4])));
        let accepting = world.party("accept", move |log| log.call("accept", c::accept(fds[2]).map(|fd| drop(Fd(fd)))));
        for fd in fds {
            log.call("O_NONBLOCK", c::is_nonblocking(fd));
            log.note("in the kernel's list", child::flags_in_proc(fd) & libc::O_NONBLOCK);
        }
        (&far).write_all(b"x").unwrap();
        c::write(writer.raw(), b"x").unwrap();
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        receiving.join(log);
        reading.join(log);
        accepting.join(log);
        for fd in fds {
            log.call("O_NONBLOCK afterwards", c::is_nonblocking(fd));
        }
    }

    fn a_child_sees_the_flags_that_the_program_set(world, log) {
        let (near, far) = tcp();
        let fd = near.as_raw_fd();
        log.note("blocking", child::flags_seen(fd) & libc::O_NONBLOCK);
        let waiting = world.party("recv", move |log| log.call("recv", c::recv(fd, &mut [0; 4], 0)));
        log.note("while somebody waits", child::flags_seen(fd) & libc::O_NONBLOCK);
        (&far).write_all(b"x").unwrap();
        waiting.join(log);
        log.note("after a wait", child::flags_seen(fd) & libc::O_NONBLOCK);
        c::set_nonblocking(fd, true).unwrap();
        log.note("set", child::flags_seen(fd) & libc::O_NONBLOCK);
        log.call("recv", c::recv(fd, &mut [0; 4], 0));
        log.note("set, and used", child::flags_seen(fd) & libc::O_NONBLOCK);
        drop(near);
    }

    fn a_child_reads_what_a_pipe_brings_later(world, log) {
        let (reader, writer) = pipe();
        let fd = reader.raw();
        // Which of the two gets what is the kernel's affair.
        let waiting = world.party("reader", move |log| log.call("read", c::read(fd, &mut [0; 1]).map(|got| got < 2)));
        // It blocks in read(2), as any program does with the descriptor that it inherits.
        let copying = child::Cat::start(fd);
        a_moment();
        c::write(writer.raw(), b"x").unwrap();
        c::write(writer.raw(), b"y").unwrap();
        drop(writer);
        waiting.join(log);
        log.note("the child ended well", copying.wait());
    }

    fn sockets_are_made_with_flags(_world, log) {
        for flag in [0, libc::SOCK_NONBLOCK] {
            let (near, _far) = c::socketpair(libc::SOCK_STREAM | flag).map(|(near, far)| (Fd(near), Fd(far))).unwrap();
            log.call("a pair's", c::is_nonblocking(near.raw()));
            c::set_timeout(near.raw(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
            log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
            let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_DGRAM | flag).unwrap());
            c::bind(socket.raw(), 0).unwrap();
            log.call("a socket's", c::is_nonblocking(socket.raw()));
            c::set_timeout(socket.raw(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
            log.call("recv", c::recv(socket.raw(), &mut [0; 4], 0));
        }
    }

    fn how_much_is_there(_world, log) {
        let (near, far) = pair();
        log.call("nothing", c::fionread(near.raw()));
        c::send(far.raw(), b"abcde", 0).unwrap();
        log.call("five", c::fionread(near.raw()));
        log.call("of none", c::fionread(-1));
        let (reader, writer) = pipe();
        c::write(writer.raw(), b"abc").unwrap();
        log.call("a pipe's", c::fionread(reader.raw()));
    }

    fn closed_twice(_world, log) {
        let (near, far) = c::socketpair(libc::SOCK_STREAM).unwrap();
        log.call("close", c::close(near));
        log.call("again", c::close(near));
        log.call("recv", c::recv(near, &mut [0; 4], 0));
        log.call("the other end", c::recv(far, &mut [0; 4], 0));
        log.call("close", c::close(far));
        log.call("close of none", c::close(-1));
    }

    fn other_settings_stay(_world, log) {
        let (near, _far) = pair();
        log.call("O_ASYNC is nobody's", c::fcntl(near.raw(), libc::F_SETFL, libc::O_NONBLOCK | libc::O_APPEND));
        log.call("seen", c::fcntl(near.raw(), libc::F_GETFL, 0));
        log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
        log.call("all taken", c::fcntl(near.raw(), libc::F_SETFL, 0));
        log.call("seen", c::fcntl(near.raw(), libc::F_GETFL, 0));
        log.call("FD_CLOEXEC", c::fcntl(near.raw(), libc::F_GETFD, 0));
        log.call("taken", c::fcntl(near.raw(), libc::F_SETFD, 0));
        log.call("seen", c::fcntl(near.raw(), libc::F_GETFD, 0));
        log.call("bad descriptor", c::fcntl(-1, libc::F_GETFL, 0));
        log.call("bad command", c::fcntl(near.raw(), 9999, 0));
    }

    fn a_stream_that_std_made_nonblocking(_world, log) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        log.step("set", listener.set_nonblocking(true));
        log.call("seen", c::fcntl(listener.as_raw_fd(), libc::F_GETFL, 0));
        let copy = listener.try_clone().unwrap();
        log.step("accept by the copy", copy.accept().map(drop));
        log.step("taken", copy.set_nonblocking(false));
        log.call("seen", c::fcntl(listener.as_raw_fd(), libc::F_GETFL, 0));
    }
}
