//! Calls in the handlers of signals.

use std::os::fd::{AsRawFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

use super::{patched, read, timed};
use crate::support::ms;

static READ_END: AtomicI32 = AtomicI32::new(-1);
static WRITE_END: AtomicI32 = AtomicI32::new(-1);
static GOT: AtomicI64 = AtomicI64::new(-1);

fn handle(signal: i32, handler: extern "C" fn(i32), flags: i32) {
    // SAFETY: zeroes are an action; the handlers here do what handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

extern "C" fn sleep_and_read(_: i32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    let mut byte = 0u8;
    // SAFETY: of this frame.
    unsafe {
        libc::nanosleep(&time, std::ptr::null_mut());
        GOT.store(
            libc::read(READ_END.load(Ordering::SeqCst), (&raw mut byte).cast(), 1) as i64,
            Ordering::SeqCst,
        );
    }
}

extern "C" fn write_a_byte(_: i32) {
    // SAFETY: of this frame.
    unsafe { libc::write(WRITE_END.load(Ordering::SeqCst), c"x".as_ptr().cast(), 1) };
}

#[test]
fn a_handler_on_a_stack_of_its_own_blocks_and_does_not_park() {
    patched(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        READ_END.store(reader.as_raw_fd(), Ordering::SeqCst);
        handle(libc::SIGUSR1, sleep_and_read, libc::SA_ONSTACK);
        let other = greenroom::spawn(|| ());
        let green = greenroom::spawn(move || {
            // The other has run before; nobody runs inside the handler.
            let third = greenroom::spawn(|| ());
            let writer_thread = std::thread::spawn(move || {
                std::thread::sleep(ms(30));
                super::write(&writer, b"x")
            });
            // SAFETY: the handler is ours.
            let (_, took) = timed(|| unsafe { libc::raise(libc::SIGUSR1) });
            assert!(took >= 25 && !third.is_finished(), "{took}");
            writer_thread.join().unwrap().unwrap();
        });
        other.join().unwrap();
        green.join().unwrap();
        assert_eq!(GOT.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_byte_into_a_pipe_goes_through_at_a_thousand_a_second() {
    patched(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        WRITE_END.store(writer.into_raw_fd(), Ordering::SeqCst);
        handle(libc::SIGALRM, write_a_byte, libc::SA_RESTART);
        let every = libc::timeval { tv_sec: 0, tv_usec: 1000 };
        let set = |interval: libc::timeval| {
            let timer = libc::itimerval { it_interval: interval, it_value: interval };
            // SAFETY: a timer of this frame.
            unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
        };
        set(every);
        let echo = greenroom::spawn(|| {
            let (near, far) = super::tcp();
            let there = greenroom::spawn(move || while read(&far, &mut [0; 8]).unwrap() != 0 {});
            for _ in 0..20_000 {
                super::write(&near, b"12345678").unwrap();
            }
            drop(near);
            there.join().unwrap();
        });
        let mut got = 0;
        while got < 100 {
            got += read(&reader, &mut [0; 64]).unwrap();
        }
        echo.join().unwrap();
        set(libc::timeval { tv_sec: 0, tv_usec: 0 });
        // SAFETY: ours.
        unsafe { libc::close(WRITE_END.swap(-1, Ordering::SeqCst)) };
    });
}
