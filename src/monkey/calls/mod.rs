//! The calls: functions of the C library's names, in the place of its own. Each is written out; what they do lies in bodies that
//! they share.
//!
//! A call inside the C library is none of these: `fclose` closes by a way of its own, and `getaddrinfo` asks by one.

mod connect;
#[cfg(not(target_feature = "crt-static"))]
mod lookup;
#[cfg(target_feature = "crt-static")]
#[path = "no_lookup.rs"]
mod lookup;
mod modes;
mod numbers;
mod poll;
mod receive;
mod select;
mod send;
mod sleep;
mod slices;
mod syscall;

use crate::monkey::futex;
use crate::monkey::gate::{Group, Hits};

/// One of the calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) hits: &'static Hits,
    pub(crate) group: Group,
    /// Where the program finds the function of that name.
    pub(crate) place: *const (),
}

/// Every call that has a counter, by groups. That they are named here also keeps the linker from leaving one out.
pub(crate) fn all() -> Vec<Call> {
    let of = |group: Group| move |(hits, place): (&'static Hits, *const ())| Call { hits, group, place };
    let sockets = [
        (&receive::READ, receive::read as *const ()),
        (&receive::READV, receive::readv as *const ()),
        (&receive::RECV, receive::recv as *const ()),
        (&receive::RECVFROM, receive::recvfrom as *const ()),
        (&receive::RECVMSG, receive::recvmsg as *const ()),
        (&send::WRITE, send::write as *const ()),
        (&send::WRITEV, send::writev as *const ()),
        (&send::SEND, send::send as *const ()),
        (&send::SENDTO, send::sendto as *const ()),
        (&send::SENDMSG, send::sendmsg as *const ()),
        (&connect::ACCEPT, connect::accept as *const ()),
        (&connect::ACCEPT4, connect::accept4 as *const ()),
        (&connect::CONNECT, connect::connect as *const ()),
        (&poll::POLL, poll::poll as *const ()),
        (&poll::PPOLL, poll::ppoll as *const ()),
        (&select::SELECT, select::select as *const ()),
        (&select::PSELECT, select::pselect as *const ()),
        (&numbers::SOCKET, numbers::socket as *const ()),
        (&numbers::SOCKETPAIR, numbers::socketpair as *const ()),
        (&numbers::PIPE, numbers::pipe as *const ()),
        (&numbers::PIPE2, numbers::pipe2 as *const ()),
        (&numbers::CLOSE, numbers::close as *const ()),
        (&numbers::DUP, numbers::dup as *const ()),
        (&numbers::DUP2, numbers::dup2 as *const ()),
        (&numbers::DUP3, numbers::dup3 as *const ()),
        (&modes::FCNTL, modes::fcntl as *const ()),
        (&modes::IOCTL, modes::ioctl as *const ()),
        (&modes::SETSOCKOPT, modes::setsockopt as *const ()),
        (&modes::SHUTDOWN, modes::shutdown as *const ()),
    ];
    let times = [
        (&sleep::NANOSLEEP, sleep::nanosleep as *const ()),
        (&sleep::CLOCK_NANOSLEEP, sleep::clock_nanosleep as *const ()),
        (&sleep::USLEEP, sleep::usleep as *const ()),
        (&sleep::SLEEP, sleep::sleep as *const ()),
    ];
    let lookups = lookup::calls();
    let locks = [(&futex::SYSCALL, syscall::syscall as *const ())];
    let sockets = sockets.into_iter().map(of(Group::Socket));
    let times = times.into_iter().map(of(Group::Time));
    let lookups = lookups.into_iter().map(of(Group::Dns));
    sockets.chain(times).chain(lookups).chain(locks.into_iter().map(of(Group::Sync))).collect()
}

/// Has the call that looks up names the C library's own behind it?
pub(crate) use lookup::is_there as can_look_up;
