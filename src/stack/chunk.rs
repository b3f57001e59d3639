//! One reservation of the kernel's, cut into equal stacks.
//!
//! A slot is in one of four states. The chunk knows which are untouched and which clean; of the others, those that are
//! bound or hot, it knows only how many there are:
//!
//! ```text
//!   untouched ──take──▶ bound ──give back──▶ hot (on the shelf's list, has its pages)
//!                         ▲ ▲                 │ │
//!                         │ └────── bind ─────┘ │ trim
//!                         └─take── clean ◀──────┘ (has its guard and no pages)
//! ```

use std::io;
use std::ops::Range as Span;

use super::guard::{self, Setting};
use super::layout::Layout;
use super::registry::{self, Entry, Range};
use crate::sys;

/// Addresses that must be left over for the rest of the program (its allocator) when we have reserved ours.
pub(super) const ADDRESSES_LEFT_TO_OTHERS: usize = 16 << 20;

/// Stacks that others could still guard when kernel mappings have stopped us: what `malloc` and `mmap` live on.
pub(super) const GUARDS_LEFT_TO_OTHERS: usize = 64;

/// Slots `0..touched` were bound at least once; `clean` are those of them that were given back and emptied.
#[derive(Debug)]
pub(super) struct Chunk {
    layout: Layout,
    start: usize,
    slots: usize,
    setting: Setting,
    touched: usize,
    /// Indices: no chunk has more than 65,536 slots.
    clean: Vec<u16>,
    entry: &'static Entry,
}

/// A stack taken out of a chunk.
pub(super) struct Taken {
    pub(super) top: usize,
    /// Nobody was bound to it since it was mapped.
    pub(super) fresh: bool,
}

impl Chunk {
    /// Reserves `slots` stacks, or fewer if no more can be had.
    pub(super) fn reserve(layout: Layout, mut slots: usize, setting: Setting) -> io::Result<Chunk> {
        let start = loop {
            match reserve_with_others_in_mind(slots * layout.slot()) {
                Err(_) if slots > 1 => slots /= 2,
                done => break done?,
            }
        };
        let slots = match setting {
            Setting::AtBind => slots,
            Setting::AtReserve => guard_all(layout, start, slots)?,
        };
        let entry = registry::add(Range { start, end: start + slots * layout.slot(), layout });
        Ok(Chunk { layout, start, slots, setting, touched: 0, clean: Vec::new(), entry })
    }

    /// The lowest address.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// How many stacks it is cut into.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Whether a stack can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.touched < self.slots || !self.clean.is_empty()
    }

    /// Stacks that are bound or hot.
    pub(super) fn out(&self) -> usize {
        self.touched - self.clean.len()
    }

    /// Takes a stack that is clean, else one that is untouched. `None` if there is no room.
    pub(super) fn take(&mut self) -> io::Result<Option<Taken>> {
        if let Some(index) = self.clean.pop() {
            return Ok(Some(Taken { top: self.layout.top(self.start, usize::from(index)), fresh: false }));
        }
        if self.touched == self.slots {
            return Ok(None);
        }
        if self.setting == Setting::AtBind {
            // SAFETY: the first bytes of an untouched slot are its guard's; nobody has used them.
            unsafe { guard::set_light(self.start + self.touched * self.layout.slot())? };
        }
        self.touched += 1;
        Ok(Some(Taken { top: self.layout.top(self.start, self.touched - 1), fresh: true }))
    }

    /// Takes stacks back, for good or until they are taken again, and gives their pages to the kernel.
    ///
    /// # Safety
    ///
    /// `tops` are sorted, of this chunk, neither bound nor hot any more, and nothing stands on them (S8, S23).
    pub(super) unsafe fn clean(&mut self, tops: &[usize]) {
        let slot_of = |top: usize| self.layout.locate(self.start, top).0;
        self.clean.reserve(tops.len());
        // One call of the kernel's for each run of neighbours; the guards in between stay as they are.
        for run in tops.chunk_by(|low, high| slot_of(*low) + 1 == slot_of(*high)) {
            let slots = slot_of(run[0])..slot_of(run[0]) + run.len();
            // SAFETY: what lies in these slots is over (caller).
            unsafe { self.discard(slots.clone()) };
            self.clean.extend(slots.rev().map(|index| index as u16));
        }
    }

    /// # Safety
    ///
    /// Nobody needs what lies in `slots`.
    unsafe fn discard(&self, slots: Span<usize>) {
        let bottom = self.layout.bottom(self.layout.top(self.start, slots.start));
        let end = self.start + slots.end * self.layout.slot();
        // SAFETY: as the caller promises. Locked memory (mlockall) refuses and keeps its pages, as it was told to.
        let _ = unsafe { sys::discard(bottom, end - bottom) };
    }

    /// Unmaps it.
    ///
    /// # Safety
    ///
    /// None of its stacks is bound or hot.
    pub(super) unsafe fn unmap(self) {
        registry::remove(self.entry);
        // SAFETY: nobody holds an address of it (caller). It cannot fail unless mappings run out, and then it leaks.
        let _ = unsafe { sys::unmap(self.start, self.slots * self.layout.slot()) };
    }
}

/// Reserves `bytes` if that leaves some addresses to others: whoever took the last one would make the next
/// allocation abort.
fn reserve_with_others_in_mind(bytes: usize) -> io::Result<usize> {
    let lowest = sys::reserve(ADDRESSES_LEFT_TO_OTHERS + bytes)?;
    // Those below go back: so chunk lies beside chunk, and the kernel counts neighbours as one mapping.
    // SAFETY: mapped just now, unused. If it cannot be unmapped, addresses are lost and nothing else.
    let _ = unsafe { sys::unmap(lowest, ADDRESSES_LEFT_TO_OTHERS) };
    Ok(lowest + ADDRESSES_LEFT_TO_OTHERS)
}

/// Sets the guards of a new chunk; returns how many slots it has after that. Without enough mappings the rest of
/// it is unmapped, and some that were guarded as well, so that others still find a few.
fn guard_all(layout: Layout, start: usize, slots: usize) -> io::Result<usize> {
    for index in 0..slots {
        // SAFETY: the chunk was mapped just now and nobody has used it.
        let Err(error) = (unsafe { guard::set_heavy(start + index * layout.slot()) }) else { continue };
        let kept = index.saturating_sub(GUARDS_LEFT_TO_OTHERS);
        // SAFETY: as above, and these slots are not handed out.
        let _ = unsafe { sys::unmap(start + kept * layout.slot(), (slots - kept) * layout.slot()) };
        return if kept == 0 { Err(error) } else { Ok(kept) };
    }
    Ok(slots)
}
