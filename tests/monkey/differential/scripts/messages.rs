//! Flags of `recv` and `send`, and messages that carry descriptors.

use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, pair, pattern, pipe, sum, tcp};

#[expect(unsafe_code, reason = "takes over what a message brought")]
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: a descriptor that the kernel has just made for us belongs to nobody else.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

script_list! {
    fn dontwait(_world, log) {
        let (near, mut far) = tcp();
        let fd = near.as_raw_fd();
        log.call("recv", c::recv(fd, &mut [0; 4], libc::MSG_DONTWAIT));
        log.call("recvmsg", c::recvmsg(fd, &mut [&mut [0; 4]], 0, libc::MSG_DONTWAIT).0);
        far.write_all(b"there").unwrap();
        a_moment();
        let mut room = [0; 16];
        let got = c::recv(fd, &mut room, libc::MSG_DONTWAIT);
        log.bytes("what is there", got, &room);
        let full = loop {
            if let Err(full) = c::send(fd, &[0; 65536], libc::MSG_DONTWAIT) {
                break full;
            }
        };
        log.note("send", full);
        log.call("O_NONBLOCK", c::is_nonblocking(fd));
        log.call("sendmsg", c::sendmsg(fd, &[b"x"], &[], libc::MSG_DONTWAIT));
    }

    fn peek(world, log) {
        let (near, mut far) = tcp();
        let writer = world.party("far", move |log| {
            a_moment();
            log.step("write", far.write(b"abc"));
            far.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut room = [0; 8];
        let got = c::recv(near.as_raw_fd(), &mut room, libc::MSG_PEEK);
        log.bytes("peek", got, &room);
        let got = c::recv(near.as_raw_fd(), &mut room[..2], libc::MSG_PEEK | libc::MSG_DONTWAIT);
        log.bytes("peek two", got, &room);
        log.call("how much is there", c::fionread(near.as_raw_fd()));
        let got = c::recv(near.as_raw_fd(), &mut room, 0);
        log.bytes("recv", got, &room);
        log.call("how much is left", c::fionread(near.as_raw_fd()));
        writer.join(log);
    }

    fn waitall_waits_for_all(world, log) {
        let (near, mut far) = tcp();
        let writer = world.party("far", move |log| {
            for word in [&b"ab"[..], b"cde", b"fgh"] {
                a_moment();
                log.step("write", far.write(word));
            }
        });
        let mut room = [0; 6];
        let got = c::recv(near.as_raw_fd(), &mut room, libc::MSG_WAITALL);
        log.bytes("recv", got, &room);
        let got = c::recv(near.as_raw_fd(), &mut room, 0);
        log.bytes("the rest", got, &room);
        writer.join(log);
    }

    fn waitall_ends_with_the_stream(world, log) {
        let (near, mut far) = tcp();
        let writer = world.party("far", move |log| {
            log.step("write", far.write(b"abc"));
            a_moment();
        });
        let mut room = [0; 6];
        let got = c::recv(near.as_raw_fd(), &mut room, libc::MSG_WAITALL);
        log.bytes("recv", got, &room);
        log.call("recv again", c::recv(near.as_raw_fd(), &mut room, libc::MSG_WAITALL));
        writer.join(log);
    }

    fn waitall_with_a_timeout_gives_what_came(_world, log) {
        let (near, mut far) = tcp();
        let fd = near.as_raw_fd();
        c::set_timeout(fd, libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        let mut room = [0; 6];
        let got = log.lasting("nothing", A_MOMENT, || c::recv(fd, &mut room, libc::MSG_WAITALL));
        log.bytes("nothing", got, &room);
        far.write_all(b"abc").unwrap();
        let got = log.lasting("a part", A_MOMENT, || c::recv(fd, &mut room, libc::MSG_WAITALL));
        log.bytes("a part", got, &room);
        far.write_all(b"defghi").unwrap();
        let got = c::recv(fd, &mut room, libc::MSG_WAITALL);
        log.bytes("all", got, &room);
    }

    fn waitall_without_waiting(_world, log) {
        let (near, mut far) = tcp();
        far.write_all(b"abc").unwrap();
        a_moment();
        let mut room = [0; 6];
        let got = c::recv(near.as_raw_fd(), &mut room, libc::MSG_WAITALL | libc::MSG_DONTWAIT);
        log.bytes("recv", got, &room);
        log.call("recv again", c::recv(near.as_raw_fd(), &mut room, libc::MSG_WAITALL | libc::MSG_DONTWAIT));
    }

    fn waitall_of_a_message_in_parts(world, log) {
        let (near, mut far) = tcp();
        let writer = world.party("far", move |log| {
            for word in [&b"abc"[..], b"defg"] {
                a_moment();
                log.step("write", far.write(word));
            }
        });
        let (mut head, mut body) = ([0; 2], [0; 5]);
        let (got, received) = c::recvmsg(near.as_raw_fd(), &mut [&mut head, &mut body], 0, libc::MSG_WAITALL);
        log.call("recvmsg", got);
        log.note("received", received);
        log.note("head", head);
        log.note("body", body);
        writer.join(log);
    }

    fn a_large_send_returns_when_all_is_out(world, log) {
        let (near, far) = pair();
        let reader = world.party("far", move |log| {
            let (mut all, mut room) = (Vec::new(), vec![0; 100_000]);
            while let Ok(got @ 1..) = c::recv(far.raw(), &mut room, 0) {
                all.extend_from_slice(&room[..got]);
            }
            log.note("sum", sum(&all));
        });
        let bytes = pattern(1 << 20);
        log.note("sum", sum(&[&bytes[..], &bytes, &bytes, &bytes].concat()));
        log.call("send", c::send(near.raw(), &bytes, 0));
        log.call("write", c::write(near.raw(), &bytes));
        let (head, body) = bytes.split_at(300_000);
        log.call("writev", c::writev(near.raw(), &[head, body]));
        log.call("sendmsg", c::sendmsg(near.raw(), &[head, body], &[], 0));
        drop(near);
        reader.join(log);
    }

    fn a_large_send_over_tcp_returns_when_all_is_out(world, log) {
        let (near, far) = tcp();
        let reader = world.party("far", move |log| {
            log.step("copy", std::io::copy(&mut &far, &mut std::io::sink()));
        });
        let bytes = pattern(8 << 20);
        log.call("send", c::send(near.as_raw_fd(), &bytes, 0));
        log.call("writev", c::writev(near.as_raw_fd(), &[&bytes[..5], &bytes[5..]]));
        drop(near);
        reader.join(log);
    }

    fn a_send_that_times_out_tells_how_much_went_out(_world, log) {
        let (near, far) = pair();
        c::set_timeout(near.raw(), libc::SO_SNDTIMEO, A_MOMENT).unwrap();
        let bytes = vec![0; 8 << 20];
        let sent = log.lasting("send", A_MOMENT, || c::send(near.raw(), &bytes, 0));
        // How much that is is the kernel's affair.
        log.call("some, not all", sent.map(|sent| sent > 0 && sent < bytes.len()));
        let sent = log.lasting("send again", A_MOMENT, || c::send(near.raw(), &bytes, 0));
        log.call("send again", sent);
        let mut room = vec![0; 8 << 20];
        log.call("far reads as much", c::recv(far.raw(), &mut room, libc::MSG_DONTWAIT).map(|got| got > 0));
    }

    fn nosignal_and_a_broken_pipe(_world, log) {
        let (near, far) = pair();
        drop(far);
        log.call("send", c::send(near.raw(), b"x", libc::MSG_NOSIGNAL));
        log.call("write, SIGPIPE is ignored", c::write(near.raw(), b"x"));
        log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
        log.call("sendmsg", c::sendmsg(near.raw(), &[b"x"], &[], libc::MSG_NOSIGNAL));
    }

    fn a_message_in_parts(world, log) {
        let (near, far) = pair();
        let receiver = world.party("far", move |log| {
            let (mut head, mut body) = ([0; 3], [0; 10]);
            let (got, received) = c::recvmsg(far.raw(), &mut [&mut head, &mut [], &mut body], 0, 0);
            log.call("recvmsg", got);
            log.note("received", received);
            log.note("head", head);
            log.note("body", body);
        });
        log.call("sendmsg", c::sendmsg(near.raw(), &[b"ab", b"", b"cdefg"], &[], 0));
        receiver.join(log);
    }

    fn descriptors_are_passed(world, log) {
        let (near, far) = pair();
        let receiver = world.party("far", move |log| {
            let mut room = [0; 4];
            let (got, received) = c::recvmsg(far.raw(), &mut [&mut room], 2, 0);
            log.bytes("recvmsg", got, &room);
            log.note("flags", received.flags);
            log.note("how many", received.descriptors.len());
            let passed: Vec<_> = received.descriptors.into_iter().map(owned).collect();
            log.call("the first reads", c::read(passed[0].as_raw_fd(), &mut room));
            log.call("it waits, to its owner's eyes", c::is_nonblocking(passed[0].as_raw_fd()));
            log.call("the second does not", c::is_nonblocking(passed[1].as_raw_fd()));
            log.call("the second reads", c::recv(passed[1].as_raw_fd(), &mut room, 0));
        });
        let (reader, writer) = pipe();
        let (quiet, _other) = pair();
        c::set_nonblocking(quiet.raw(), true).unwrap();
        log.call("sendmsg", c::sendmsg(near.raw(), &[b"x"], &[reader.raw(), quiet.raw()], 0));
        a_moment();
        log.call("write", c::write(writer.raw(), b"abc"));
        receiver.join(log);
    }

    fn a_descriptor_in_use_is_passed(world, log) {
        let (near, far) = pair();
        let (used, other) = tcp();
        let fd = used.as_raw_fd();
        let user = world.party("user", move |log| {
            log.call("recv", c::recv(used.as_raw_fd(), &mut [0; 4], 0));
        });
        log.call("sendmsg", c::sendmsg(near.raw(), &[b"x"], &[fd], 0));
        let mut room = [0; 4];
        let (got, received) = c::recvmsg(far.raw(), &mut [&mut room], 1, 0);
        log.call("recvmsg", got);
        let passed = owned(received.descriptors[0]);
        log.call("O_NONBLOCK", c::is_nonblocking(passed.as_raw_fd()));
        log.call("send by it", c::send(passed.as_raw_fd(), b"by the copy", 0));
        let mut room = [0; 16];
        let got = c::recv(other.as_raw_fd(), &mut room, 0);
        log.bytes("the other end", got, &room);
        (&other).write_all(b"end").unwrap();
        user.join(log);
    }

    fn too_little_room_for_descriptors(_world, log) {
        let (near, far) = pair();
        let (reader, _writer) = pipe();
        c::sendmsg(near.raw(), &[b"x"], &[reader.raw(), reader.raw(), reader.raw()], 0).unwrap();
        let (got, received) = c::recvmsg(far.raw(), &mut [&mut [0; 4]], 1, 0);
        log.call("recvmsg", got);
        log.note("flags", received.flags);
        received.descriptors.into_iter().map(owned).for_each(drop);
        c::sendmsg(near.raw(), &[b"y"], &[reader.raw()], 0).unwrap();
        let (got, received) = c::recvmsg(far.raw(), &mut [&mut [0; 4]], 0, 0);
        log.call("with none", got);
        log.note("flags", received);
    }

    fn seqpacket_keeps_messages_apart(world, log) {
        let (near, far) = c::socketpair(libc::SOCK_SEQPACKET).map(|(near, far)| (Fd(near), Fd(far))).unwrap();
        let receiver = world.party("far", move |log| {
            for step in ["whole", "cut off", "the end"] {
                let mut room = [0; 4];
                let (got, received) = c::recvmsg(far.raw(), &mut [&mut room], 0, 0);
                log.bytes(step, got, &room);
                log.note("flags", received.flags);
            }
        });
        for message in [&b"one"[..], b"three"] {
            log.call("send", c::send(near.raw(), message, 0));
            a_moment();
        }
        drop(near);
        receiver.join(log);
    }

    fn what_is_no_socket(_world, log) {
        let (reader, writer) = pipe();
        log.call("recv", c::recv(reader.raw(), &mut [0; 4], 0));
        log.call("send", c::send(writer.raw(), b"x", 0));
        log.call("recvmsg", c::recvmsg(reader.raw(), &mut [&mut [0; 4]], 0, 0).0);
        log.call("sendmsg", c::sendmsg(writer.raw(), &[b"x"], &[], 0));
        log.call("shutdown", c::shutdown(reader.raw(), libc::SHUT_RD));
        for fd in [-1, 1_000_000] {
            log.call("recv of none", c::recv(fd, &mut [0; 4], 0));
            log.call("send of none", c::send(fd, b"x", 0));
            log.call("read of none", c::read(fd, &mut [0; 4]));
            log.call("write of none", c::write(fd, b"x"));
            log.call("shutdown of none", c::shutdown(fd, libc::SHUT_RD));
            log.call("recvmsg of none", c::recvmsg(fd, &mut [&mut [0; 4]], 0, 0).0);
        }
    }

    fn bad_addresses_and_flags(_world, log) {
        let (near, far) = pair();
        log.call("far sends", c::send(far.raw(), b"kept", 0));
        log.call("recv", c::recv_into_nowhere(near.raw(), 4));
        log.call("send", c::send_from_nowhere(near.raw(), 4));
        let mut room = [0; 8];
        let got = c::recv(near.raw(), &mut room, 0);
        log.bytes("nothing is lost", got, &room);
        log.call("out of band", c::recv(near.raw(), &mut room, libc::MSG_OOB));
        let (tcp_near, _tcp_far) = tcp();
        log.call("none on TCP", c::recv(tcp_near.as_raw_fd(), &mut room, libc::MSG_OOB));
    }

    fn urgent_data(_world, log) {
        let (near, far) = tcp();
        log.call("send", c::send(near.as_raw_fd(), b"ab!", libc::MSG_OOB));
        a_moment();
        let mut room = [0; 8];
        let got = c::recv(far.as_raw_fd(), &mut room, libc::MSG_OOB);
        log.bytes("out of band", got, &room);
        let got = c::recv(far.as_raw_fd(), &mut room, 0);
        log.bytes("in band", got, &room);
    }

    fn zero_lengths(_world, log) {
        let (near, far) = pair();
        log.call("recv, nothing there", c::recv(near.raw(), &mut [], libc::MSG_DONTWAIT));
        log.call("send", c::send(far.raw(), b"", 0));
        log.call("write", c::write(far.raw(), b""));
        log.call("readv of no parts", c::readv(near.raw(), &mut []));
        log.call("writev of no parts", c::writev(near.raw(), &[]));
        log.call("far sends", c::send(far.raw(), b"x", 0));
        log.call("recv of nothing", c::recv(near.raw(), &mut [], 0));
        log.call("read of nothing", c::read(near.raw(), &mut []));
        log.call("recv", c::recv(near.raw(), &mut [0; 4], 0));
    }
}
