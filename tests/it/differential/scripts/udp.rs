//! What a program does with UDP.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::world::{UdpSocket, sleep, spawn};
use crate::differential::{Log, Script, scripts};

/// Long enough for what was sent on loopback, or came back, to be there.
const A_MOMENT: Duration = Duration::from_millis(10);

fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Two sockets, connected with each other.
fn pair() -> (UdpSocket, UdpSocket) {
    let ((near, here), (far, there)) = (bound(), bound());
    near.connect(there).unwrap();
    far.connect(here).unwrap();
    (near, far)
}

fn receive(log: &mut Log, what: &str, from: &UdpSocket, room: usize) {
    let mut buffer = vec![0; room];
    let got = from.recv(&mut buffer);
    log.bytes(what, got, &buffer);
}

scripts! {
    fn there_and_back(log: &mut Log) {
        let ((near, here), (far, there)) = (bound(), bound());
        log.step("send", near.send_to(b"question", there));
        let mut buffer = [0; 100];
        let (length, from) = far.recv_from(&mut buffer).unwrap();
        log.bytes("receive", Ok(length), &buffer);
        log.note("from", from == here);
        log.step("answer", far.send_to(b"answer", from));
        let (length, from) = near.recv_from(&mut buffer).unwrap();
        log.bytes("receive", Ok(length), &buffer);
        log.note("from", from == there);
    }

    fn waits_for_one(log: &mut Log) {
        let (near, far) = pair();
        let receiver = spawn(move || {
            let mut log = Log::of("receiver: ");
            receive(&mut log, "receive", &near, 10);
            receive(&mut log, "receive", &near, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("send", far.send(b"one"));
        sleep(A_MOMENT);
        log.step("send", far.send(b"two"));
        log.add(receiver.join().unwrap());
    }

    fn nothing_is_something(log: &mut Log) {
        let (near, far) = pair();
        log.step("send nothing", far.send(b""));
        log.step("send", far.send(b"x"));
        receive(log, "receive nothing", &near, 10);
        receive(log, "receive", &near, 10);
    }

    fn too_small_a_buffer(log: &mut Log) {
        let (near, far) = pair();
        for datagram in ["abcdef", "ghijkl", "m", "nothing of this", "last"] {
            far.send(datagram.as_bytes()).unwrap();
        }
        receive(log, "a part", &near, 3);
        let mut buffer = [0; 2];
        let got = near.recv_from(&mut buffer).map(|(length, _)| length);
        log.bytes("a part", got, &buffer);
        receive(log, "all", &near, 1);
        receive(log, "into nothing", &near, 0);
        receive(log, "the last", &near, 100);
    }

    fn peek_leaves_it(log: &mut Log) {
        let ((near, _), (far, there)) = (bound(), bound());
        near.send_to(b"abcdef", there).unwrap();
        near.send_to(b"next", there).unwrap();
        for room in [2, 10, 0] {
            let mut buffer = vec![0; room];
            let got = far.peek(&mut buffer);
            log.bytes("peek", got, &buffer);
            let got = far.peek_from(&mut buffer);
            log.note("from", got.as_ref().unwrap().1 == near.local_addr().unwrap());
            log.bytes("peek", got.map(|(length, _)| length), &buffer);
        }
        receive(log, "receive", &far, 10);
        receive(log, "receive", &far, 10);
    }

    fn only_the_one_connected_to(log: &mut Log) {
        let ((near, here), (far, there), (stranger, _)) = (bound(), bound(), bound());
        log.step("not connected", near.peer_addr().map(drop));
        log.step("send", near.send(b"x"));
        log.step("connect", near.connect(there));
        log.note("peer", near.peer_addr().unwrap() == there);
        stranger.send_to(b"stranger", here).unwrap();
        far.send_to(b"friend", here).unwrap();
        receive(log, "receive", &near, 10);
        log.step("send elsewhere", near.send_to(b"x", stranger.local_addr().unwrap()));
        receive(log, "there", &stranger, 10);
    }

    fn connected_to_another(log: &mut Log) {
        let ((near, here), (first, one), (second, two)) = (bound(), bound(), bound());
        near.connect(one).unwrap();
        log.step("connect again", near.connect(two));
        first.send_to(b"first", here).unwrap();
        second.send_to(b"second", here).unwrap();
        receive(log, "receive", &near, 10);
        log.step("send", near.send(b"x"));
        receive(log, "the second has it", &second, 10);
    }

    fn timeouts(log: &mut Log) {
        let (near, far) = pair();
        log.step("none", near.read_timeout());
        log.step("zero", near.set_read_timeout(Some(Duration::ZERO)));
        log.step("zero", near.set_write_timeout(Some(Duration::ZERO)));
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        receive(log, "receive nothing", &near, 10);
        log.step("from nobody", near.recv_from(&mut [0; 4]).map(drop));
        log.step("peek", near.peek(&mut [0; 4]));
        log.step("peek from", near.peek_from(&mut [0; 4]).map(drop));
        far.send(b"x").unwrap();
        receive(log, "receive", &near, 10);
        log.step("set", near.set_write_timeout(Some(Duration::from_secs(2))));
        log.step("writes", near.write_timeout());
    }

    fn nobody_is_there(log: &mut Log) {
        let ((near, _), (gone, there)) = (bound(), bound());
        drop(gone);
        near.connect(there).unwrap();
        log.step("send", near.send(b"x"));
        sleep(A_MOMENT);
        receive(log, "receive", &near, 10);
        log.step("send again", near.send(b"x"));
        sleep(A_MOMENT);
        log.step("and again", near.send(b"x"));
        log.step("the error is told once", near.send(b"x"));
        sleep(A_MOMENT);
        log.step("asked for", near.take_error().map(|error| error.map(|error| error.kind())));
        log.step("asked again", near.take_error().map(|error| error.map(|error| error.kind())));
    }

    fn refused_under_a_receiver(log: &mut Log) {
        let ((near, _), (gone, there)) = (bound(), bound());
        drop(gone);
        near.connect(there).unwrap();
        let clone = near.try_clone().unwrap();
        let receiver = spawn(move || {
            let mut log = Log::of("receiver: ");
            receive(&mut log, "receive", &clone, 10);
            log
        });
        sleep(A_MOMENT);
        log.step("send", near.send(b"x"));
        log.add(receiver.join().unwrap());
    }

    fn nobody_is_there_and_nobody_cares(log: &mut Log) {
        let ((near, _), (gone, there)) = (bound(), bound());
        drop(gone);
        log.step("send", near.send_to(b"x", there));
        sleep(A_MOMENT);
        log.step("send again", near.send_to(b"x", there));
        log.step("set", near.set_read_timeout(Some(A_MOMENT)));
        receive(log, "receive", &near, 10);
    }

    fn too_much(log: &mut Log) {
        let (near, far) = pair();
        log.step("the most", near.send(&vec![7; 65_507]));
        log.step("one more", near.send(&vec![7; 65_508]));
        log.step("far too much", near.send(&vec![7; 1 << 20]));
        receive(log, "receive", &far, 100_000);
    }

    fn nowhere(log: &mut Log) {
        let (near, _) = bound();
        log.step("to no address", near.send_to(b"x", &[][..]));
        log.step("to no port", near.send_to(b"x", "127.0.0.1"));
        log.step("to port 0", near.send_to(b"x", (Ipv4Addr::LOCALHOST, 0)));
        log.step("to the other family", near.send_to(b"x", (Ipv6Addr::LOCALHOST, 9)));
        log.step("connect to no address", near.connect(&[][..]));
        log.step("connect to the other family", near.connect((Ipv6Addr::LOCALHOST, 9)));
        log.made("bind nowhere", UdpSocket::bind(&[][..]));
        log.made("bind to what is taken", UdpSocket::bind(near.local_addr().unwrap()));
        log.made("bind abroad", UdpSocket::bind("192.0.2.1:0"));
    }

    fn broadcast(log: &mut Log) {
        let (near, _) = bound();
        log.step("at first", near.broadcast());
        log.step("forbidden", near.send_to(b"x", "127.255.255.255:9"));
        log.step("set", near.set_broadcast(true));
        log.step("it is", near.broadcast());
        log.step("allowed", near.send_to(b"x", "127.255.255.255:9"));
    }

    fn multicast(log: &mut Log) {
        let (near, _) = bound();
        log.step("loop", near.multicast_loop_v4());
        log.step("set", near.set_multicast_loop_v4(false));
        log.step("loop", near.multicast_loop_v4());
        log.step("ttl", near.multicast_ttl_v4());
        log.step("set", near.set_multicast_ttl_v4(7));
        log.step("ttl", near.multicast_ttl_v4());
        log.step("too far", near.set_multicast_ttl_v4(256));
        let (group, no_group) = (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::LOCALHOST);
        log.step("leave", near.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        log.step("join", near.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        log.step("join again", near.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        log.step("leave", near.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        log.step("no group", near.join_multicast_v4(&no_group, &Ipv4Addr::LOCALHOST));
        log.step("of the other family", near.multicast_loop_v6());
    }

    fn multicast_is_heard(log: &mut Log) {
        let group = Ipv4Addr::new(239, 1, 2, 4);
        let far = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        log.step("join", far.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        log.step("set", far.set_read_timeout(Some(Duration::from_secs(1))));
        let (near, _) = bound();
        let to = (group, far.local_addr().unwrap().port());
        if log.made("send", near.send_to(b"to all", to)).is_some() {
            receive(log, "receive", &far, 10);
        }
    }

    fn ipv6(log: &mut Log) {
        let Some(near) = log.made("bind", UdpSocket::bind((Ipv6Addr::LOCALHOST, 0))) else { return };
        log.step("loop", near.multicast_loop_v6());
        log.step("set", near.set_multicast_loop_v6(false));
        log.step("loop", near.multicast_loop_v6());
        log.step("no group", near.join_multicast_v6(&Ipv6Addr::LOCALHOST, 0));
        let group = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x77);
        log.step("leave", near.leave_multicast_v6(&group, 0));
        let address = near.local_addr().unwrap();
        log.step("send", near.send_to(b"to myself", address));
        let mut buffer = [0; 20];
        let (length, from) = near.recv_from(&mut buffer).unwrap();
        log.bytes("receive", Ok(length), &buffer);
        log.note("from", from == address);
    }

    fn time_to_live(log: &mut Log) {
        let (near, _) = bound();
        for ttl in [0, 1, 255, 256] {
            log.step("set", near.set_ttl(ttl));
            log.step("ttl", near.ttl());
        }
    }

    fn nonblocking(log: &mut Log) {
        let (near, far) = pair();
        log.step("set", near.set_nonblocking(true));
        receive(log, "receive nothing", &near, 10);
        log.step("peek at nothing", near.peek_from(&mut [0; 10]).map(drop));
        far.send(b"x").unwrap();
        sleep(A_MOMENT);
        receive(log, "receive", &near, 10);
        log.step("send", near.send(b"y"));
        log.step("unset", near.set_nonblocking(false));
        receive(log, "far receives", &far, 10);
    }

    fn clones_share(log: &mut Log) {
        let (near, far) = pair();
        let clone = log.made("clone", near.try_clone()).unwrap();
        log.note("the same address", clone.local_addr().unwrap() == near.local_addr().unwrap());
        far.send(b"one").unwrap();
        far.send(b"two").unwrap();
        receive(log, "one has", &near, 10);
        receive(log, "the other has", &clone, 10);
        drop(near);
        log.step("still there", clone.send(b"x"));
        receive(log, "far has", &far, 10);
    }

    fn many_in_order(log: &mut Log) {
        let (near, far) = pair();
        for number in 0..50_u8 {
            far.send(&vec![number; usize::from(number)]).unwrap();
        }
        let mut buffer = [0; 100];
        let lengths: Vec<_> = (0..50).map(|_| near.recv(&mut buffer).unwrap()).collect();
        log.note("lengths", lengths);
    }
}
