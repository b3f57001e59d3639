//! The call that looks up names: on an OS thread of the look-up pool.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::addrinfo;

use crate::executor::unblock::{NotLookedUp, lookup_as};
use crate::hub::Hub;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Errno};
use crate::monkey::wait;
use crate::park::Manner;

static GETADDRINFO: Hits = Hits::new("getaddrinfo");

/// The calls of this group.
pub(super) fn calls() -> [(&'static Hits, *const ()); 1] {
    [(&GETADDRINFO, getaddrinfo as *const ())]
}

type Real = unsafe extern "C" fn(*const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> c_int;

/// The C library's own.
static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// The function that has this name behind ours.
fn real() -> Option<Real> {
    let mut found = REAL.load(Ordering::Acquire);
    if found.is_null() {
        // SAFETY: it reads the name.
        found = unsafe { libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr()) };
        REAL.store(found, Ordering::Release);
    }
    // SAFETY: the C library's function of that name has that type.
    (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, Real>(found) })
}

pub(crate) fn is_there() -> bool {
    real().is_some()
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    found: *mut *mut addrinfo,
) -> c_int {
    let Some(real) = real() else {
        raw::set_errno(libc::ENOSYS);
        return libc::EAI_SYSTEM;
    };
    // SAFETY: the caller's, getaddrinfo(3).
    let pass = || unsafe { real(node, service, hints, found) };
    let Some(hub) = gate::enter(Group::Dns).filter(|hub| !node.is_null() && !gate::in_handler(hub)) else {
        return pass();
    };
    GETADDRINFO.count();
    // SAFETY: the caller's.
    let question = unsafe { Question::copy(node, service, hints) };
    if question.is_answered_here() {
        return pass();
    }
    let before = raw::errno();
    let (status, errno) = match ask(hub, real, question) {
        Some(Ok(answer)) => {
            // SAFETY: the caller's.
            unsafe { *found = answer.into_list() };
            (0, before)
        }
        Some(Err(failed)) => failed,
        None => return pass(),
    };
    raw::set_errno(errno);
    status
}

/// The list that the C library has made, to be freed by it.
struct Addresses(*mut addrinfo);

// SAFETY: it lies on the heap, and whoever has the pointer owns it.
unsafe impl Send for Addresses {}

impl Addresses {
    fn into_list(self) -> *mut addrinfo {
        let list = self.0;
        std::mem::forget(self);
        list
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: made by getaddrinfo, and owned.
        unsafe { libc::freeaddrinfo(self.0) };
    }
}

/// What is asked, in memory of its own: the caller may be gone before the answer comes.
struct Question {
    node: CString,
    service: Option<CString>,
    /// Its flags, family, kind and protocol.
    hints: Option<[c_int; 4]>,
}

/// An answer of getaddrinfo, or its status with the errno of that moment.
type Found = Result<Addresses, (c_int, c_int)>;

impl Question {
    /// # Safety
    ///
    /// As getaddrinfo(3); there is a node.
    unsafe fn copy(node: *const c_char, service: *const c_char, hints: *const addrinfo) -> Question {
        // SAFETY: the caller's.
        unsafe {
            Question {
                node: CStr::from_ptr(node).to_owned(),
                service: (!service.is_null()).then(|| CStr::from_ptr(service).to_owned()),
                hints: hints
                    .as_ref()
                    .map(|hints| [hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol]),
            }
        }
    }

    /// An address in numbers needs no look-up.
    fn is_answered_here(&self) -> bool {
        let numeric = self.hints.is_some_and(|[flags, ..]| flags & libc::AI_NUMERICHOST != 0);
        numeric || self.node.to_str().is_ok_and(|node| node.parse::<std::net::IpAddr>().is_ok())
    }

    fn ask(&self, real: Real) -> Found {
        let mut found = ptr::null_mut();
        // SAFETY: zeroes are an addrinfo.
        let mut hints: addrinfo = unsafe { std::mem::zeroed() };
        if let Some(given) = self.hints {
            [hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol] = given;
        }
        let hints = if self.hints.is_some() { &raw const hints } else { ptr::null() };
        let service = self.service.as_ref().map_or(ptr::null(), |service| service.as_ptr());
        // SAFETY: all of it is ours for the length of the call.
        match unsafe { real(self.node.as_ptr(), service, hints, &mut found) } {
            0 => Ok(Addresses(found)),
            status => Err((status, raw::errno())),
        }
    }
}

/// Has it looked up elsewhere. None if no OS thread is to be had.
fn ask(hub: &Hub, real: Real, question: Question) -> Option<Found> {
    match lookup_as(Manner::Foreign, move || question.ask(real)) {
        Ok(found) => {
            wait::not_refused(hub);
            found.ok()
        }
        Err(NotLookedUp::NoThread(_)) => None,
        Err(NotLookedUp::Interrupted(interruption)) => {
            let Errno(errno) = wait::refused(hub, interruption);
            Some(Err((libc::EAI_SYSTEM, errno)))
        }
    }
}
