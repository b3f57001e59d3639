//! Memory for records: blocks from which records of one size are cut, and to which they go back.
//!
//! ```text
//!   list of a size ──▶ block with room ◀──▶ block with room      (a block without room is on no list until it has some)
//!                        head | record | free | record | free | not cut yet …
//! ```
//!
//! A block lies at a multiple of its size, so a record finds its own; taking one and giving it back are a handful of
//! instructions, for ten green threads as for a million. Blocks of which nothing is used go back to the system, but for those
//! that were made first.
//! (D. Leijen, B. Zorn, L. de Moura, "Mimalloc: Free List Sharding in Action", APLAS 2019, does the same for all sizes.)
//!
//! A record may be given back after its hub has ended: its block is on no list then, and goes when it is empty.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::hub;
use crate::sys;

/// Sizes are rounded up to multiples of this; it is the alignment of all records, too.
const STEP: usize = 32;
/// Up to so many steps; what is larger comes from the system, and so does what must be aligned to more.
const LISTS: usize = 32;
/// Bytes of a block, which lies at a multiple of them: the huge page of most processors. What was not cut yet costs nothing.
const BLOCK: usize = 2 << 20;
/// So many blocks stay as long as their hub, used or not.
const KEPT: usize = 2;
/// Who has so many blocks of a size will soon have used all of the next one: that may be one huge page, which saves the kernel
/// 512 faults and the processor as many entries of its page tables.
const MANY: u32 = 4;

/// Whether records come from the system, each for itself: in debug builds, so that tools which look for memory that is used too
/// late, or lost, see each of them.
const ONE_BY_ONE: bool = cfg!(debug_assertions);

/// The size of a record, as its memory is taken and given back.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    layout: Layout,
    /// The list for that size. [`LISTS`]: none.
    list: usize,
}

impl Size {
    pub(crate) const fn of<R>() -> Size {
        let list = size_of::<R>().div_ceil(STEP) - 1;
        if ONE_BY_ONE || list >= LISTS || align_of::<R>() > STEP {
            return Size { layout: Layout::new::<R>(), list: LISTS };
        }
        Size { layout: Layout::new::<R>(), list }
    }
}

impl Size {
    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        self.layout.size()
    }
}

/// The blocks of one hub that have room.
pub(crate) struct Memory {
    lists: [Cell<*mut Block>; LISTS],
    /// How many blocks of each size there are, the full ones included.
    blocks: [Cell<u32>; LISTS],
    /// How many blocks stay.
    kept: Cell<usize>,
    hub: u64,
}

/// The head of a block. Records follow.
#[repr(C, align(64))]
struct Block {
    free: Cell<*mut Free>,
    /// How many records are used; and one more if it is to stay.
    used: Cell<u32>,
    /// One of those that stay.
    kept: Cell<bool>,
    /// It is not on its list, and must be put there once it has room again.
    full: Cell<bool>,
    list: u8,
    /// How many records were cut so far.
    cut: Cell<u32>,
    /// The number of the hub to which it belongs.
    hub: u64,
    previous: Cell<*mut Block>,
    next: Cell<*mut Block>,
}

/// What lies in the place of a record that is not used.
struct Free {
    next: *mut Free,
}

impl Memory {
    pub(crate) fn new(hub: u64) -> Memory {
        Memory {
            lists: [const { Cell::new(ptr::null_mut()) }; LISTS],
            blocks: [const { Cell::new(0) }; LISTS],
            kept: Cell::new(0),
            hub,
        }
    }

    /// Memory for one record, for its owner alone.
    #[inline(always)]
    pub(crate) fn take(&self, size: Size) -> NonNull<u8> {
        let Some(list) = self.lists.get(size.list) else { return allocate(size.layout) };
        // SAFETY: what is on a list is a block that stays as long as it is there.
        if let Some(block) = unsafe { list.get().as_ref() }
            && let Some(free) = NonNull::new(block.free.get())
        {
            // SAFETY: what is on the free list was put there by `cut` or `give_back`, and is nobody's.
            block.free.set(unsafe { free.as_ref() }.next);
            block.used.set(block.used.get() + 1);
            return free.cast();
        }
        self.take_slowly(size.list)
    }

    /// The first block of the list has nothing free: it is not wholly cut, or full; or there is none.
    #[cold]
    #[inline(never)]
    fn take_slowly(&self, list: usize) -> NonNull<u8> {
        loop {
            // SAFETY: as in `take`.
            let block = match unsafe { self.lists[list].get().as_ref() } {
                Some(block) => block,
                None => self.add_block(list),
            };
            if let Some(record) = block.take() {
                return record;
            }
            self.unlink(block);
            block.full.set(true);
        }
    }

    fn add_block(&self, list: usize) -> &Block {
        let block = map_block(self.blocks[list].get() >= MANY);
        self.blocks[list].set(self.blocks[list].get() + 1);
        let none = || Cell::new(ptr::null_mut());
        let kept = self.kept.get() < KEPT;
        self.kept.set(self.kept.get() + usize::from(kept));
        let head = Block {
            free: Cell::new(ptr::null_mut()),
            used: Cell::new(u32::from(kept)),
            kept: Cell::new(kept),
            full: Cell::new(false),
            list: list as u8,
            cut: Cell::new(0),
            hub: self.hub,
            previous: none(),
            next: none(),
        };
        // SAFETY: fresh memory, large enough and aligned.
        let block = unsafe {
            block.write(head);
            block.as_ref()
        };
        self.link(block);
        block
    }

    fn link(&self, block: &Block) {
        let list = &self.lists[usize::from(block.list)];
        let first = list.replace(block.address());
        block.next.set(first);
        block.previous.set(ptr::null_mut());
        // SAFETY: as in `take`.
        if let Some(first) = unsafe { first.as_ref() } {
            first.previous.set(block.address());
        }
    }

    fn unlink(&self, block: &Block) {
        let (previous, next) = (block.previous.get(), block.next.get());
        // SAFETY: neighbours of a block on a list are on it.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(next),
            None => self.lists[usize::from(block.list)].set(next),
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.set(previous);
        }
    }

    /// One of its blocks has room again, or nothing of it is used any more.
    fn settle(&self, block: &Block) {
        if block.full.replace(false) {
            self.link(block);
        }
        // The only one with room would be missed at once.
        let only = block.next.get().is_null() && block.previous.get().is_null();
        if block.used.get() == 0 && !only {
            self.unlink(block);
            let blocks = &self.blocks[usize::from(block.list)];
            blocks.set(blocks.get() - 1);
            // SAFETY: nothing of it is used, and it is on no list.
            unsafe { block.free_all() };
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for list in &self.lists {
            // SAFETY: as in `take`.
            while let Some(block) = unsafe { list.get().as_ref() } {
                self.unlink(block);
                // SAFETY: it is on no list.
                unsafe { block.leave_hub() };
            }
        }
    }
}

/// Takes back the memory of a record.
///
/// # Safety
///
/// It was taken for this size, on this OS thread, and nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn give_back(record: NonNull<u8>, size: Size) {
    if size.list == LISTS {
        // SAFETY: then it came from the system, with this layout.
        return unsafe { dealloc(record.as_ptr(), size.layout) };
    }
    // SAFETY: it lies in a block, which begins at the multiple of its size below, and stays while part of it is used.
    let block = unsafe { &*record.as_ptr().map_addr(|address| address & !(BLOCK - 1)).cast::<Block>() };
    let free = record.cast::<Free>();
    // SAFETY: at least `STEP` bytes that are nobody's now.
    unsafe { free.write(Free { next: block.free.get() }) };
    block.free.set(free.as_ptr());
    block.used.set(block.used.get() - 1);
    if block.used.get() == 0 || block.full.get() {
        settle(block);
    }
}

#[cold]
#[inline(never)]
fn settle(block: &Block) {
    match hub::try_current().map(|hub| &hub.memory).filter(|memory| memory.hub == block.hub) {
        Some(memory) => memory.settle(block),
        // SAFETY: its hub has ended, so it is on no list.
        None => unsafe { block.leave_hub() },
    }
}

impl Block {
    /// A record's memory, if any is free or not cut yet.
    fn take(&self) -> Option<NonNull<u8>> {
        if self.free.get().is_null() {
            self.cut_some();
        }
        let free = NonNull::new(self.free.get())?;
        // SAFETY: as in `Memory::take`.
        self.free.set(unsafe { free.as_ref() }.next);
        self.used.set(self.used.get() + 1);
        Some(free.cast())
    }

    /// Cuts a few more records: not all at once, for that would touch pages which are not needed yet.
    fn cut_some(&self) {
        let size = (usize::from(self.list) + 1) * STEP;
        let room = (BLOCK - size_of::<Block>()) / size;
        let cut = self.cut.get() as usize;
        let more = (room - cut).min(8);
        // Last first, so that they are taken in the order of their addresses.
        for number in (cut..cut + more).rev() {
            let at = size_of::<Block>() + number * size;
            // SAFETY: it lies in the block, behind the head, where nothing was cut before; aligned to `STEP`.
            unsafe {
                let free = self.address().byte_add(at).cast::<Free>();
                free.write(Free { next: self.free.get() });
                self.free.set(free);
            }
        }
        self.cut.set((cut + more) as u32);
    }

    /// A pointer that reaches all of the block, not only its head.
    fn address(&self) -> *mut Block {
        ptr::with_exposed_provenance_mut(ptr::from_ref(self).addr())
    }

    /// Its hub has ended: it goes when nothing of it is used, perhaps now.
    ///
    /// # Safety
    ///
    /// It is on no list. Unless something of it is used, it is not touched after this.
    unsafe fn leave_hub(&self) {
        self.full.set(false);
        self.used.set(self.used.get() - u32::from(self.kept.replace(false)));
        if self.used.get() == 0 {
            // SAFETY: nothing of it is used (caller).
            unsafe { self.free_all() };
        }
    }

    /// Gives it back to the system.
    ///
    /// # Safety
    ///
    /// Nobody uses any of it, and it is on no list.
    unsafe fn free_all(&self) {
        // SAFETY: `map_block` has mapped it, and it is not used after this (caller). If it cannot be unmapped, it leaks.
        let _ = unsafe { sys::unmap(self.address().addr(), BLOCK) };
    }
}

#[cold]
fn map_block(huge: bool) -> NonNull<Block> {
    const LAYOUT: Layout = match Layout::from_size_align(BLOCK, BLOCK) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    };
    let start = sys::reserve_aligned(BLOCK).unwrap_or_else(|_| handle_alloc_error(LAYOUT));
    if huge {
        sys::allow_huge_pages(start, BLOCK);
    }
    NonNull::new(ptr::with_exposed_provenance_mut(start)).expect("nothing is mapped at address 0")
}

#[cold]
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: neither records nor blocks are empty.
    let memory = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
    memory.as_ptr().expose_provenance();
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = [u8; 40];
    type Large = [u8; 900];

    /// As [`Size::of`] in release builds.
    fn size_of_list<R>() -> Size {
        Size { layout: Layout::new::<R>(), list: size_of::<R>().div_ceil(STEP) - 1 }
    }

    /// Takes one and writes to all of it.
    fn take<R>(memory: &Memory, with: u8) -> NonNull<u8> {
        let record = memory.take(size_of_list::<R>());
        assert_eq!(record.addr().get() % STEP, 0);
        // SAFETY: it is large enough, and ours.
        unsafe { record.write_bytes(with, size_of::<R>()) };
        record
    }

    /// Looks whether it is as it was written, and gives it back.
    fn give<R>(record: NonNull<u8>, with: u8) {
        // SAFETY: it was taken for an `R`, and is not used after this.
        unsafe {
            let bytes = std::slice::from_raw_parts(record.as_ptr(), size_of::<R>());
            assert!(bytes.iter().all(|byte| *byte == with), "somebody else has written to it");
            give_back(record, size_of_list::<R>());
        }
    }

    fn blocks(memory: &Memory, list: usize) -> usize {
        // SAFETY: what is on a list is a block.
        let next = |at: *mut Block| unsafe { at.as_ref() };
        std::iter::successors(next(memory.lists[list].get()), |block| next(block.next.get())).count()
    }

    #[test]
    fn what_was_given_back_last_is_taken_first() {
        let memory = Memory::new(u64::MAX);
        let (one, other) = (take::<Small>(&memory, 1), take::<Small>(&memory, 2));
        assert_ne!(one, other);
        give::<Small>(one, 1);
        assert_eq!(take::<Small>(&memory, 3), one);
        give::<Small>(one, 3);
        give::<Small>(other, 2);
    }

    #[test]
    fn nobody_has_what_another_has_and_all_sizes_live_side_by_side() {
        let hub = crate::hub::current();
        let memory = &hub.memory;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut taken: Vec<(NonNull<u8>, u8, bool)> = Vec::new();
        for step in 0..200_000_u32 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Grows to some thousands, shrinks to none, and so on.
            let grows = (step / 20_000) % 2 == 0;
            if (state % 10 < 8) == grows {
                let large = state & 1024 != 0;
                let with = step as u8;
                let record = if large { take::<Large>(memory, with) } else { take::<Small>(memory, with) };
                taken.push((record, with, large));
            } else if !taken.is_empty() {
                let (record, with, large) = taken.swap_remove(state as usize % taken.len());
                if large { give::<Large>(record, with) } else { give::<Small>(record, with) }
            }
        }
        for (record, with, large) in taken.drain(..) {
            if large { give::<Large>(record, with) } else { give::<Small>(record, with) }
        }
    }

    #[test]
    fn after_a_peak_only_the_first_blocks_stay() {
        let hub = crate::hub::current();
        let memory = &hub.memory;
        let list = size_of_list::<Large>().list;
        let a_block = (BLOCK - size_of::<Block>()) / ((list + 1) * STEP);
        let records: Vec<_> = (0..3 * KEPT * a_block).map(|n| take::<Large>(memory, n as u8)).collect();
        assert_eq!(memory.kept.get(), KEPT);
        records.into_iter().enumerate().for_each(|(n, record)| give::<Large>(record, n as u8));
        let left = blocks(memory, list);
        assert!((KEPT..=KEPT + 1).contains(&left), "{left} blocks are left");
        // One more comes and goes, and no block with it.
        for _ in 0..3 {
            give::<Large>(take::<Large>(memory, 1), 1);
            assert_eq!(blocks(memory, list), left);
        }
    }

    #[test]
    fn what_is_used_outlives_its_hub() {
        let memory = Memory::new(u64::MAX);
        let a_block = (BLOCK - size_of::<Block>()) / STEP;
        let records: Vec<_> = (0..2 * a_block + 1).map(|n| take::<Small>(&memory, n as u8)).collect();
        drop(memory);
        // Of full blocks and of one with room.
        records.into_iter().enumerate().for_each(|(n, record)| give::<Small>(record, n as u8));
    }
}
