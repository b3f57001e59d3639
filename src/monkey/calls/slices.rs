//! The buffers of a call that takes several.

use std::ffi::{c_int, c_long};

use libc::{iovec, msghdr};

use crate::monkey::raw::{self, Answer, fd};

/// More of them than the kernel takes are an error of the call (UIO_MAXIOV).
const MOST: usize = 1024;

/// Buffers in the memory of whoever calls. The kernel looks at them first: nothing is read here before it has taken the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slices {
    first: *const iovec,
    count: usize,
}

impl Slices {
    pub(super) fn new(first: *const iovec, count: usize) -> Slices {
        Slices { first, count }
    }

    pub(super) fn of_int(first: *const iovec, count: c_int) -> Slices {
        // A negative count is an error of the call, as is one that large.
        Slices { first, count: usize::try_from(count).unwrap_or(usize::MAX) }
    }

    /// A message of them: no name, no control data.
    pub(super) fn message(&self) -> msghdr {
        // SAFETY: all zeroes is a message of nothing.
        let mut message: msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = self.first.cast_mut();
        message.msg_iovlen = self.count;
        message
    }

    /// preadv2(2) or pwritev2(2) with that flag, at the file's own place, which is what the offset of -1 says.
    ///
    /// # Safety
    ///
    /// That of the call.
    pub(super) unsafe fn with_flag(&self, call: c_long, number: c_int, flag: c_int) -> Answer {
        let offset = usize::MAX;
        let arguments = [fd(number), self.first.expose_provenance(), self.count, offset, 0, flag as usize];
        // SAFETY: the caller's.
        unsafe { raw::call(call, arguments) }
    }

    /// # Safety
    ///
    /// The kernel has taken a call with them.
    unsafe fn get(&self) -> &[iovec] {
        if self.first.is_null() || self.count > MOST {
            return &[];
        }
        // SAFETY: the kernel has read so many there (caller).
        unsafe { std::slice::from_raw_parts(self.first, self.count) }
    }

    /// Bytes in all.
    ///
    /// # Safety
    ///
    /// The kernel has taken a call with them.
    pub(super) unsafe fn length(&self) -> usize {
        // SAFETY: the caller's.
        unsafe { self.get() }.iter().fold(0, |sum, slice| sum.saturating_add(slice.iov_len))
    }

    /// What comes after the first `done` bytes, or as much of it as there is room for; how many slices that are.
    ///
    /// # Safety
    ///
    /// The kernel has taken a call with them.
    pub(super) unsafe fn after(&self, mut done: usize, room: &mut [iovec; 16]) -> usize {
        let mut count = 0;
        // SAFETY: the caller's.
        for slice in unsafe { self.get() } {
            let skipped = done.min(slice.iov_len);
            done -= skipped;
            if skipped == slice.iov_len {
                continue;
            }
            let Some(place) = room.get_mut(count) else { break };
            *place = iovec {
                iov_base: slice.iov_base.wrapping_byte_add(skipped),
                iov_len: slice.iov_len - skipped,
            };
            count += 1;
        }
        count
    }
}

/// Room for [`Slices::after`].
pub(super) const fn no_slices() -> [iovec; 16] {
    [const { iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; 16]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(lengths: &[usize], done: usize) -> Vec<(usize, usize)> {
        let base = std::ptr::without_provenance_mut(0x1000);
        let all: Vec<iovec> = lengths.iter().map(|&iov_len| iovec { iov_base: base, iov_len }).collect();
        let mut room = no_slices();
        // SAFETY: they lie in a vector.
        let count = unsafe { Slices::new(all.as_ptr(), all.len()).after(done, &mut room) };
        room[..count]
            .iter()
            .map(|slice| (slice.iov_base.expose_provenance() - 0x1000, slice.iov_len))
            .collect()
    }

    #[test]
    fn what_is_done_is_left_out_byte_by_byte() {
        assert_eq!(rest(&[3, 0, 4], 0), [(0, 3), (0, 4)]);
        assert_eq!(rest(&[3, 0, 4], 2), [(2, 1), (0, 4)]);
        assert_eq!(rest(&[3, 0, 4], 3), [(0, 4)]);
        assert_eq!(rest(&[3, 0, 4], 6), [(3, 1)]);
        assert_eq!(rest(&[3, 0, 4], 7), []);
        assert_eq!(rest(&[1; 40], 3).len(), 16);
    }
}
