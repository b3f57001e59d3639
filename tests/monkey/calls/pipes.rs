//! What is no socket: pipes, eventfds, terminals, files.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::{c, is_nonblocking, later, patched, read, ticks_during, timed, write};

#[test]
fn a_pipe_is_waited_for_at_both_ends() {
    patched(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        let numbers = (reader.as_raw_fd(), writer.as_raw_fd());
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let sent = bytes.clone();
        let writer = greenroom::spawn(move || write(&writer, &sent));
        let (got, _) = ticks_during(|| {
            let (mut all, mut reader) = (Vec::new(), reader);
            assert!(!is_nonblocking(numbers.0) && !is_nonblocking(numbers.1));
            reader.read_to_end(&mut all).unwrap();
            all
        });
        assert!(got == bytes);
        assert_eq!(writer.join().unwrap(), Ok(1_000_000));
    });
}

#[test]
fn a_pipe_without_readers_is_epipe_and_without_writers_the_end() {
    patched(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        let waiter = greenroom::spawn(move || read(&reader, &mut [0; 4]));
        greenroom::yield_now();
        drop(writer);
        assert_eq!(waiter.join().unwrap(), Ok(0));
        let (reader, writer) = std::io::pipe().unwrap();
        let closer = later(move || drop(reader));
        // Some of it went, and so the error is for the next.
        assert!(matches!(write(&writer, &[0; 1_000_000]), Ok(1..1_000_000)));
        assert_eq!(write(&writer, b"x"), Err(libc::EPIPE));
        closer.join().unwrap();
    });
}

#[test]
fn an_eventfd_is_waited_for() {
    patched(|| {
        // SAFETY: a new descriptor.
        let event = unsafe { OwnedFd::from_raw_fd(libc::eventfd(0, libc::EFD_CLOEXEC)) };
        assert_eq!(read(&event, &mut [0; 4]), Err(libc::EINVAL));
        assert!(!is_nonblocking(event.as_raw_fd()));
        let copy = event.try_clone().unwrap();
        let setter = later(move || assert!(write(&copy, &7u64.to_ne_bytes()).is_ok()));
        let mut value = [0; 8];
        let ((got, took), ticks) = ticks_during(|| timed(|| read(&event, &mut value)));
        assert_eq!((got, u64::from_ne_bytes(value)), (Ok(8), 7));
        assert!(took >= 15 && ticks >= 1, "{took} {ticks}");
        setter.join().unwrap();
    });
}

#[test]
fn a_terminal_is_waited_for() {
    patched(|| {
        let (mut near, mut far) = (-1, -1);
        let nothing = std::ptr::null();
        // SAFETY: two new descriptors.
        let opened =
            unsafe { libc::openpty(&mut near, &mut far, std::ptr::null_mut(), nothing, nothing.cast()) };
        assert_eq!(opened, 0);
        // SAFETY: both are new.
        let (near, far) = unsafe { (OwnedFd::from_raw_fd(near), OwnedFd::from_raw_fd(far)) };
        let typist = later(move || {
            assert_eq!(write(&near, b"line\n"), Ok(5));
            greenroom::sleep(super::ms(20));
        });
        let (got, ticks) = ticks_during(|| read(&far, &mut [0; 16]));
        assert_eq!(got, Ok(5));
        assert!(ticks >= 1, "{ticks}");
        typist.join().unwrap();
    });
}

#[test]
fn files_on_disk_are_read_and_written_as_ever() {
    patched(|| {
        let path = std::env::temp_dir().join(format!("greenroom-monkey-file-{}", std::process::id()));
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"on disk").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"on disk");
        assert_eq!(write(&file, b""), Ok(0));
        let mut opened = std::fs::File::open(&path).unwrap();
        let (mut one, mut two) = ([0; 3], [0; 9]);
        let got = opened
            .read_vectored(&mut [std::io::IoSliceMut::new(&mut one), std::io::IoSliceMut::new(&mut two)])
            .unwrap();
        assert_eq!((got, &one), (7, b"on "));
        std::fs::remove_file(path).unwrap();
        let mut random = [0; 16];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
        assert_ne!(random, [0; 16]);
        assert_eq!(read(&std::fs::File::open("/dev/null").unwrap(), &mut random), Ok(0));
    });
}

#[test]
fn bad_descriptors_and_addresses_are_errors_as_ever() {
    patched(|| {
        for number in [-1, 9999, i32::MAX] {
            assert_eq!(read(&number, &mut [0; 4]), Err(libc::EBADF));
            assert_eq!(write(&number, b"x"), Err(libc::EBADF));
            assert_eq!(super::recv(&number, &mut [0; 4], 0), Err(libc::EBADF));
            // SAFETY: no addresses.
            assert_eq!(c(unsafe { libc::close(number) }), Err(libc::EBADF));
        }
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(super::recv(&file, &mut [0; 4], 0), Err(libc::ENOTSOCK));
        let (near, far) = super::tcp();
        write(&near, b"x").unwrap();
        let nowhere = std::ptr::without_provenance_mut::<libc::c_void>(8);
        // SAFETY: the kernel refuses the address.
        unsafe {
            assert_eq!(c(libc::recv(far.as_raw_fd(), nowhere, 8, 0) as i64), Err(libc::EFAULT));
            assert_eq!(c(libc::read(far.as_raw_fd(), nowhere, 8) as i64), Err(libc::EFAULT));
            assert_eq!(c(libc::write(far.as_raw_fd(), nowhere, 8) as i64), Err(libc::EFAULT));
        }
    });
}
