//! What a program does with datagrams, by UDP and by Unix sockets.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, udp};

fn socket() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

script_list! {
    fn a_question_and_its_answer(world, log) {
        let (server, port) = socket();
        let answering = world.party("server", move |log| {
            let mut room = [0; 16];
            let (got, from) = server.recv_from(&mut room).unwrap();
            log.read("question", Ok(got), &room);
            log.step("answer", server.send_to(b"answer", from));
        });
        let (client, _) = socket();
        log.step("ask", client.send_to(b"question", (Ipv4Addr::LOCALHOST, port)));
        let mut room = [0; 16];
        let (got, from) = client.recv_from(&mut room).unwrap();
        log.read("answer", Ok(got), &room);
        log.note("from the server", from.port() == port);
        answering.join(log);
    }

    fn truncation(_world, log) {
        let (near, far) = udp();
        let fd = far.as_raw_fd();
        let send = || near.send(b"0123456789").unwrap();
        send();
        log.step("std", far.recv(&mut [0; 4]));
        send();
        log.call("recv", c::recv(fd, &mut [0; 4], 0));
        send();
        log.call("recv that tells the length", c::recv(fd, &mut [0; 4], libc::MSG_TRUNC));
        send();
        let (got, received) = c::recvmsg(fd, &mut [&mut [0; 4]], 0, 0);
        log.call("recvmsg", got);
        log.note("flags", received.flags);
        send();
        log.call("read", c::read(fd, &mut [0; 4]));
        send();
        log.call("readv", c::readv(fd, &mut [&mut [0; 4], &mut [0; 4]]));
        send();
        log.call("waitall waits for no second", c::recv(fd, &mut [0; 64], libc::MSG_WAITALL));
        log.call("nothing is left", c::recv(fd, &mut [0; 4], libc::MSG_DONTWAIT));
    }

    fn peek_at_a_datagram(world, log) {
        let (near, far) = udp();
        let sender = world.party("near", move |log| {
            a_moment();
            log.step("send", near.send(b"once"));
        });
        let mut room = [0; 8];
        let got = far.peek(&mut room);
        log.read("peek", got, &room);
        let got = far.recv(&mut room);
        log.read("recv", got, &room);
        log.call("gone", c::recv(far.as_raw_fd(), &mut room, libc::MSG_DONTWAIT | libc::MSG_PEEK));
        sender.join(log);
    }

    fn zero_length_datagrams(_world, log) {
        let (near, far) = udp();
        log.step("send", near.send(b""));
        log.step("recv", far.recv(&mut [0; 4]));
        log.step("send again", near.send(b""));
        log.call("read", c::read(far.as_raw_fd(), &mut [0; 4]));
        log.step("send", near.send(b"x"));
        log.step("recv into nothing", far.recv(&mut []));
        log.call("it is gone", c::recv(far.as_raw_fd(), &mut [0; 4], libc::MSG_DONTWAIT));
    }

    fn timeouts(_world, log) {
        let (near, _far) = udp();
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        let got = log.lasting("recv", A_MOMENT, || near.recv(&mut [0; 4]));
        log.step("recv", got);
        let got = log.lasting("recv_from", A_MOMENT, || near.recv_from(&mut [0; 4]));
        log.step("recv_from", got.map(drop));
        let got = log.lasting("recvmsg", A_MOMENT, || c::recvmsg(near.as_raw_fd(), &mut [&mut [0; 4]], 0, 0).0);
        log.call("recvmsg", got);
        let got = log.lasting("read", A_MOMENT, || c::read(near.as_raw_fd(), &mut [0; 4]));
        log.call("read", got);
        let got = log.lasting("readv", A_MOMENT, || c::readv(near.as_raw_fd(), &mut [&mut [0; 4]]));
        log.call("readv", got);
    }

    fn without_waiting(_world, log) {
        let (near, _far) = udp();
        log.step("set", near.set_nonblocking(true));
        log.step("recv", near.recv(&mut [0; 4]));
        log.step("recv_from", near.recv_from(&mut [0; 4]).map(drop));
        log.call("O_NONBLOCK", c::is_nonblocking(near.as_raw_fd()));
    }

    fn a_refusal_meets_the_next_call(world, log) {
        let (near, far) = udp();
        let waits = near.try_clone().unwrap();
        let receiver = world.party("receiver", move |log| log.step("recv", waits.recv(&mut [0; 4])));
        drop(far);
        log.step("send", near.send(b"to nobody"));
        receiver.join(log);
        log.step("send", near.send(b"to nobody"));
        a_moment();
        log.step("send again", near.send(b"to nobody"));
    }

    fn addresses(_world, log) {
        let (near, near_port) = socket();
        let (far, far_port) = socket();
        log.call("sendto", c::sendto(near.as_raw_fd(), b"hello", 0, far_port));
        let mut room = [0; 8];
        let (got, from) = c::recvfrom(far.as_raw_fd(), &mut room, 0);
        log.bytes("recvfrom", got, &room);
        log.note("from whom", from == near_port);
        log.call("send without an address", c::send(near.as_raw_fd(), b"x", 0));
        log.step("connect", near.connect((Ipv4Addr::LOCALHOST, far_port)));
        log.call("send", c::send(near.as_raw_fd(), b"x", 0));
        log.call("too long", c::sendto(near.as_raw_fd(), &[0; 70_000], 0, far_port));
        log.step("bad descriptor", Err::<(), _>(std::io::Error::from_raw_os_error(c::sendto(-1, b"x", 0, 9).unwrap_err().0)));
    }

    fn unix_pair(world, log) {
        let (near, far) = UnixDatagram::pair().unwrap();
        let receiver = world.party("far", move |log| {
            for step in ["first", "second", "third"] {
                let mut room = [0; 4];
                let got = far.recv(&mut room);
                log.read(step, got, &room);
            }
        });
        for word in [&b"one"[..], b"", b"seven"] {
            a_moment();
            log.step("send", near.send(word));
        }
        receiver.join(log);
        log.step("to nobody", near.send(b"x"));
    }

    fn unix_paths(world, log) {
        let (path, own) = (log.path("server"), log.path("client"));
        let server = UnixDatagram::bind(&path).unwrap();
        let answering = world.party("server", move |log| {
            let mut room = [0; 16];
            let (got, from) = server.recv_from(&mut room).unwrap();
            log.read("question", Ok(got), &room);
            log.step("answer", server.send_to(b"answer", from.as_pathname().unwrap()));
        });
        let client = UnixDatagram::bind(&own).unwrap();
        log.step("ask", client.send_to(b"question", &path));
        log.step("answer", client.recv(&mut [0; 16]));
        answering.join(log);
        log.step("nobody", client.send_to(b"x", &path));
        log.step("limit", client.set_read_timeout(Some(A_MOMENT)));
        log.step("recv", client.recv(&mut [0; 4]));
    }

    fn a_full_queue_keeps_the_sender_waiting(world, log) {
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut queued = 0;
        while near.send(b"fill").is_ok() {
            queued += 1;
        }
        near.set_nonblocking(false).unwrap();
        log.step("limit", near.set_write_timeout(Some(A_MOMENT)));
        let sent = log.lasting("send", A_MOMENT, || near.send(b"late"));
        log.step("send", sent);
        near.set_write_timeout(None).unwrap();
        let sender = world.party("sender", move |log| log.step("send", near.send(b"last")));
        for _ in 0..queued {
            far.recv(&mut [0; 4]).unwrap();
        }
        let mut room = [0; 4];
        let got = far.recv(&mut room);
        log.read("the last", got, &room);
        sender.join(log);
    }

    fn two_receivers_of_one_socket(world, log) {
        let (near, far) = udp();
        let receivers = ["first", "second"].map(|name| {
            let socket = far.try_clone().unwrap();
            world.party(name, move |log| log.step("recv", socket.recv(&mut [0; 4])))
        });
        for _ in 0..2 {
            near.send(b"x").unwrap();
            a_moment();
        }
        receivers.into_iter().for_each(|receiver| receiver.join(log));
    }

    fn shutting_down_wakes_a_receiver(world, log) {
        let (near, _far) = udp();
        let waits = near.try_clone().unwrap();
        let receiver = world.party("receiver", move |log| log.step("recv", waits.recv(&mut [0; 4])));
        log.call("shut down", c::shutdown(near.as_raw_fd(), libc::SHUT_RD));
        receiver.join(log);
        let lonely = Fd(c::socket(libc::AF_INET, libc::SOCK_DGRAM).unwrap());
        log.call("not connected", c::shutdown(lonely.raw(), libc::SHUT_RD));
    }
}
