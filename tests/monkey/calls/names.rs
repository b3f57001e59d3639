//! The look-up of names.

use std::net::ToSocketAddrs;

use super::{patched, ticks_during};

#[test]
fn names_are_looked_up_elsewhere() {
    patched(|| {
        let (found, _) = ticks_during(|| ("localhost", 80).to_socket_addrs().unwrap().collect::<Vec<_>>());
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(greenroom::net::lookup_host(("localhost", 80)).unwrap().count(), found.len());
        let report = greenroom::monkey::report().to_string();
        let line = report.lines().find(|line| line.starts_with("getaddrinfo ")).unwrap();
        assert!(!line.ends_with(" 0"), "{line}");
    });
}

#[test]
fn a_service_and_numbers_need_no_other_thread_and_nothing_is_an_error() {
    patched(|| {
        let numeric = "127.0.0.1:80".to_socket_addrs().unwrap().next().unwrap();
        assert_eq!(numeric, ("127.0.0.1", 80).to_socket_addrs().unwrap().next().unwrap());
        let mut found = std::ptr::null_mut();
        // SAFETY: names with a zero at their end; the list is the C library's.
        unsafe {
            let status =
                libc::getaddrinfo(c"localhost".as_ptr(), c"80".as_ptr(), std::ptr::null(), &mut found);
            assert_eq!(status, 0);
            libc::freeaddrinfo(found);
            let none = libc::getaddrinfo(std::ptr::null(), std::ptr::null(), std::ptr::null(), &mut found);
            assert_eq!(none, libc::EAI_NONAME);
        }
    });
}

#[test]
fn a_look_up_that_is_given_up_says_why() {
    patched(|| {
        let asker =
            greenroom::spawn(|| ("no-such-host.invalid", 80).to_socket_addrs().unwrap_err().raw_os_error());
        greenroom::yield_now();
        asker.cancel();
        assert_eq!(asker.join().unwrap(), Some(libc::ECANCELED));
    });
}
