//! Messages: UDP, local datagrams, descriptors that travel.

use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use super::{c, later, patched, read, recv, send, ticks_during, timed, write};
use crate::support::ms;

#[test]
fn datagrams_are_waited_for_one_by_one() {
    patched(|| {
        let near = UdpSocket::bind("127.0.0.1:0").unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (from, to) = (near.local_addr().unwrap(), far.local_addr().unwrap());
        let sender = later(move || {
            for text in ["one", "", "three"] {
                near.send_to(text.as_bytes(), to).unwrap();
            }
        });
        let mut buffer = [0; 8];
        assert_eq!(far.recv_from(&mut buffer).unwrap(), (3, from));
        assert_eq!(far.recv_from(&mut buffer).unwrap(), (0, from));
        assert_eq!(far.recv_from(&mut buffer[..2]).unwrap(), (2, from));
        sender.join().unwrap();
        far.set_read_timeout(Some(ms(20))).unwrap();
        assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL), Err(libc::EAGAIN));
    });
}

#[test]
fn a_local_datagram_waits_for_room_at_its_receiver() {
    patched(|| {
        let (near, far) = UnixDatagram::pair().unwrap();
        let path = std::env::temp_dir().join(format!("greenroom-monkey-{}", std::process::id()));
        let named = UnixDatagram::bind(&path).unwrap();
        let writer = {
            let path = path.clone();
            greenroom::spawn(move || {
                for _ in 0..500 {
                    near.send(&[0; 1000]).unwrap();
                }
                let nobody = UnixDatagram::unbound().unwrap();
                for _ in 0..100 {
                    nobody.send_to(&[0; 10], &path).unwrap();
                }
            })
        };
        let (_, ticks) = ticks_during(|| greenroom::sleep(ms(20)));
        assert!(ticks >= 1, "{ticks}");
        for _ in 0..500 {
            assert_eq!(far.recv(&mut [0; 2000]).unwrap(), 1000);
        }
        greenroom::sleep(ms(20));
        for _ in 0..100 {
            assert_eq!(named.recv(&mut [0; 2000]).unwrap(), 10);
        }
        writer.join().unwrap();
        std::fs::remove_file(path).unwrap();
        let (end, _) = UnixDatagram::pair().unwrap();
        assert_eq!(send(&end, b"x", 0), Err(libc::ECONNREFUSED));
    });
}

#[test]
fn a_descriptor_that_came_in_a_message_is_known_for_what_it_is() {
    patched(|| {
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        let sender = later(move || send_descriptor(&near, &reader));
        let reader = receive_descriptor(&far);
        sender.join().unwrap();
        let writer = later(move || assert!(write(&writer, b"through").is_ok()));
        let ((got, took), ticks) = ticks_during(|| timed(|| read(&reader, &mut [0; 16])));
        assert_eq!(got, Ok(7));
        assert!(took >= 10 && ticks >= 1, "{took} {ticks}");
        writer.join().unwrap();
    });
}

#[repr(C)]
union Control {
    bytes: [u8; 64],
    _header: libc::cmsghdr,
}

fn send_descriptor(socket: &impl AsRawFd, sent: &impl AsRawFd) {
    let mut control = Control { bytes: [0; 64] };
    let mut byte = [1u8];
    let mut slice = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: the macros and the call stay within what is on this frame.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        (message.msg_iov, message.msg_iovlen) = (&mut slice, 1);
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(sent.as_raw_fd());
        assert_eq!(c(libc::sendmsg(socket.as_raw_fd(), &message, 0) as i64), Ok(1));
    }
}

fn receive_descriptor(socket: &impl AsRawFd) -> OwnedFd {
    let mut control = Control { bytes: [0; 64] };
    let mut byte = [0u8];
    let mut slice = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: as above; the number is new.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        (message.msg_iov, message.msg_iovlen) = (&mut slice, 1);
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = size_of::<Control>();
        assert_eq!(c(libc::recvmsg(socket.as_raw_fd(), &mut message, 0) as i64), Ok(1));
        let header = libc::CMSG_FIRSTHDR(&message);
        OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned())
    }
}

#[test]
fn a_receiver_whose_socket_is_shut_down_is_told_the_end() {
    patched(|| {
        let near = UdpSocket::bind("127.0.0.1:0").unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        far.connect(near.local_addr().unwrap()).unwrap();
        let copy = far.try_clone().unwrap();
        let receiver = greenroom::spawn(move || (recv(&far, &mut [0; 4], 0), recv(&far, &mut [0; 4], 0)));
        greenroom::sleep(ms(5));
        // SAFETY: no addresses.
        assert_eq!(c(unsafe { libc::shutdown(copy.as_raw_fd(), libc::SHUT_RD) }), Ok(0));
        assert_eq!(receiver.join().unwrap(), (Ok(0), Ok(0)));
        // SAFETY: no addresses but null.
        let accepted = unsafe { libc::accept(near.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) };
        assert_eq!(c(accepted), Err(libc::EOPNOTSUPP));
    });
}
