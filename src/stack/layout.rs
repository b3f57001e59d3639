//! Where everything is in a chunk of equal stacks: arithmetic, no memory.
//!
//! ```text
//!   slot                                                                 next slot
//!   ├── guard, 64 KiB ──┼───────────── room ◀── grows down ──┼ label ┼ colour ┤
//!   start of the slot   bottom                              top            end
//! ```
//!
//! The top is moved down by another 64 bytes from slot to slot, 32 times over (the *colour*): if the tops of all
//! stacks were at one place in their pages, the frames that wait there would all fight for the same few lines of
//! the processor's cache. Never more than half a page, else the first frames would touch a second page. The label shares a
//! line with what stands at the top.

use std::io;

use crate::sys;

/// Bytes below each stack that fault. Wider than a page, because C functions may step over one: their compilers put
/// no probes into large frames (S22).
pub(super) const GUARD: usize = 64 << 10;

/// Room for the label, which keeps the top aligned.
const LABEL: usize = 16;
/// Bytes from one colour to the next: a line of the cache.
const STEP: usize = 64;
const COLOURS: usize = 32;

/// The least that any page size is a multiple of.
const SMALLEST_PAGE: usize = 4096;

/// Sizes of the slots of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes that a user asked for, in whole pages.
    size: usize,
    /// Bytes above the guard: the size, and a page for label and colour.
    room: usize,
}

impl Layout {
    /// The layout of stacks with at least `bytes` to use.
    pub(super) fn new(bytes: usize) -> io::Result<Layout> {
        let page = sys::page_size();
        let size = bytes
            .max(super::smallest_size())
            .checked_next_multiple_of(page)
            .filter(|size| *size <= usize::MAX / 8)
            .ok_or_else(|| {
                let text = format!("a stack of {bytes} bytes is larger than any address space");
                io::Error::new(io::ErrorKind::InvalidInput, text)
            })?;
        Ok(Layout::of_size(size))
    }

    /// The layout whose [`size`](Self::size) is known.
    pub(super) fn of_size(size: usize) -> Layout {
        Layout { size, room: size + sys::page_size() }
    }

    /// Bytes that a user may count on.
    pub(super) fn size(self) -> usize {
        self.size
    }

    /// Bytes from one stack to the next.
    pub(super) fn slot(self) -> usize {
        GUARD + self.room
    }

    /// The top of the stack in slot `index` of a chunk that begins at `chunk`.
    pub(super) fn top(self, chunk: usize, index: usize) -> usize {
        chunk + (index + 1) * self.slot() - LABEL - STEP * (index % COLOURS)
    }

    /// The lowest address above the guard of the stack with that top.
    #[inline]
    pub(super) fn bottom(self, top: usize) -> usize {
        (top | (SMALLEST_PAGE - 1)) + 1 - self.room
    }

    /// The slot of a chunk in which `address` lies, and whether that is in its guard.
    pub(super) fn locate(self, chunk: usize, address: usize) -> (usize, bool) {
        let offset = address - chunk;
        (offset / self.slot(), offset % self.slot() < GUARD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 1 << 40;

    #[test]
    fn a_stack_has_at_least_the_bytes_asked_for_between_bottom_and_top() {
        for bytes in [0, 1, 65_536, 65_537, 256 << 10, 8 << 20] {
            let layout = Layout::new(bytes).unwrap();
            for index in 0..100 {
                let top = layout.top(CHUNK, index);
                assert!(top - layout.bottom(top) >= layout.size());
                assert!(layout.size() >= bytes);
            }
        }
    }

    #[test]
    fn bottom_is_where_the_guard_ends() {
        let layout = Layout::new(256 << 10).unwrap();
        for index in 0..100 {
            let bottom = layout.bottom(layout.top(CHUNK, index));
            assert_eq!(layout.locate(CHUNK, bottom), (index, false));
            assert_eq!(layout.locate(CHUNK, bottom - 1), (index, true));
            assert_eq!(layout.locate(CHUNK, bottom - GUARD), (index, true));
        }
    }

    #[test]
    fn tops_are_aligned_and_leave_half_of_the_first_page() {
        let layout = Layout::new(0).unwrap();
        for index in 0..100 {
            let top = layout.top(CHUNK, index);
            let end = CHUNK + (index + 1) * layout.slot();
            assert_eq!(top % LABEL, 0);
            assert_eq!((top + size_of::<usize>()) / STEP, (top - 1) / STEP, "the label lies in another line");
            assert!((LABEL..=SMALLEST_PAGE / 2).contains(&(end - top)));
        }
    }

    #[test]
    fn neighbours_have_different_colours() {
        let layout = Layout::new(0).unwrap();
        let mut places: Vec<_> = (0..COLOURS).map(|index| layout.top(CHUNK, index) % SMALLEST_PAGE).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), COLOURS);
    }

    #[test]
    fn an_absurd_size_is_an_error_not_an_overflow() {
        for bytes in [usize::MAX, usize::MAX - 4096, usize::MAX / 2] {
            assert_eq!(Layout::new(bytes).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
