//! The guard below a stack, by one of two kernel calls.
//!
//! | | `madvise(MADV_GUARD_INSTALL)` | `mprotect(PROT_NONE)` |
//! |---|---|---|
//! | from | Linux 6.13 | always |
//! | mappings a stack (`vm.max_map_count` is 65,530) | 0 | 2 |
//! | on locked memory | refused | works |
//! | set when | the stack is bound first: it costs page tables | the chunk is reserved: running out shows early |

use std::io;

use super::layout::GUARD;
use crate::shim::sync::OnceLock;
use crate::sys;

/// How the guards of a pool are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guards {
    /// By `madvise` if this kernel can, else by `mprotect`.
    Automatic,
    /// By `mprotect`, as on a kernel that cannot do better: for tests of that case.
    Mprotect,
}

/// When the guards of one chunk are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// One by one, when a stack is first bound.
    AtBind,
    /// All, when the chunk is reserved.
    AtReserve,
}

impl Guards {
    pub(super) fn setting(self) -> Setting {
        match self {
            Guards::Automatic if kernel_has_light_guards() => Setting::AtBind,
            _ => Setting::AtReserve,
        }
    }
}

/// Whether this kernel knows guards that need no mapping: tried once, on a page of its own.
fn kernel_has_light_guards() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let page = sys::page_size();
        let Ok(start) = sys::reserve(page) else { return false };
        // SAFETY: the page was mapped just now, for this question only.
        unsafe {
            let known = sys::install_guard(start, page).is_ok();
            let _ = sys::unmap(start, page);
            known
        }
    })
}

/// Sets a guard that is light if it can be: memory that was locked since takes the heavy kind only.
///
/// # Safety
///
/// [`GUARD`] bytes from `start` are mapped by [`sys::reserve`] and hold nothing that anybody needs.
pub(super) unsafe fn set_light(start: usize) -> io::Result<()> {
    // SAFETY: as the caller promises.
    match unsafe { sys::install_guard(start, GUARD) } {
        // SAFETY: as the caller promises.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => unsafe { set_heavy(start) },
        done => done,
    }
}

/// Sets a guard that costs two kernel mappings.
///
/// # Safety
///
/// As for [`set_light`].
pub(super) unsafe fn set_heavy(start: usize) -> io::Result<()> {
    // SAFETY: as the caller promises.
    unsafe { sys::forbid_access(start, GUARD) }
}
