//! All stacks of one size: those in use are counted, those at rest lie here in the order of their return.
//!
//! `hot` is the whole of the fast path: binding pops a top off it, giving back pushes one. When it grows beyond the
//! cache, its older half is cleaned. Chunks of which nothing is out are unmapped then, and when the users have become
//! few, as far as the rest is enough for everybody who was promised a stack.

use std::io;
use std::ptr;

use super::chunk::{Chunk, Taken};
use super::guard::{Guards, Setting};
use super::label::Label;
use super::layout::Layout;
use super::slot::Stack;
use super::{Class, Settings, limit};
use crate::sys;

/// Of so many stacks at once the pages are looked up, a group ahead of who is bound. After that, just ahead, so many lines of
/// each are fetched: as many as a sleep stands on.
const GROUP: usize = 8;
const LINES: usize = 8;

/// Slots of a chunk: twice as many from chunk to chunk.
const FEWEST_SLOTS: usize = 16;
const MOST_SLOTS: usize = 4096;
/// With guards that cost mappings, we take few more of them than are needed.
const MOST_SLOTS_WITH_HEAVY_GUARDS: usize = 256;
const LARGEST_CHUNK: usize = 1 << 30;

#[derive(Debug)]
pub(super) struct Shelf {
    /// Users that live: each has a stack or may ask for one.
    promised: usize,
    /// Stacks that exist, in all chunks.
    slots: usize,
    /// Fewer promised than this: look whether chunks can go.
    shrink_below: usize,
    /// Tops of stacks that were given back and still have their pages, the last one last.
    hot: Vec<usize>,
    cache: usize,
    layout: Layout,
    guards: Guards,
    /// Sorted by address.
    chunks: Vec<Chunk>,
    /// Index of the chunk that was last found to have room.
    lender: usize,
}

impl Shelf {
    pub(super) fn new(layout: Layout, settings: &Settings) -> Shelf {
        Shelf {
            promised: 0,
            slots: 0,
            shrink_below: 0,
            hot: Vec::new(),
            cache: settings.cache,
            layout,
            guards: settings.guards,
            chunks: Vec::new(),
            lender: 0,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.layout.size()
    }

    pub(super) fn has_size_of(&self, layout: Layout) -> bool {
        self.layout == layout
    }

    /// Stacks that are bound, the leaked ones included.
    #[cfg(test)]
    pub(super) fn bound(&self) -> usize {
        self.chunks.iter().map(Chunk::out).sum::<usize>() - self.hot.len()
    }

    #[inline(always)]
    pub(super) fn promise(&mut self) -> io::Result<()> {
        if self.promised == self.slots {
            self.grow()?;
        }
        self.promised += 1;
        Ok(())
    }

    #[inline(always)]
    pub(super) fn release(&mut self) {
        debug_assert!(self.promised > 0, "more users released than promised");
        self.promised -= 1;
        if self.promised < self.shrink_below {
            self.shrink();
        }
    }

    #[inline(always)]
    pub(super) fn bind(&mut self, class: Class, label: *const Label) -> io::Result<Stack> {
        let Taken { top, fresh } = match self.hot.pop() {
            Some(top) => {
                if self.hot.len() >= 2 * GROUP {
                    self.fetch_ahead();
                }
                Taken { top, fresh: false }
            }
            None => self.take_cold()?,
        };
        // SAFETY: the top came off the hot list or out of a chunk, so nobody else has it; guards were set when the
        // chunk handed it out first (S22).
        Ok(unsafe { Stack::new(top, self.layout.bottom(top), class, fresh, label) })
    }

    #[inline(always)]
    pub(super) fn give_back(&mut self, stack: Stack) {
        debug_assert!(self.chunk_of(stack.top()).is_some(), "a stack of another pool");
        // It does not allocate: `grow` and `trim` keep the capacity at that of a full cache and one.
        self.hot.push(stack.retire());
        if self.hot.len() > self.cache {
            self.trim();
        }
    }

    /// Has the processor fetch what will be touched of the stack after the next. Each lies on a page of its own, and the
    /// processor looks several pages up at a time if it is told of several; of many lines at once it is told in vain.
    #[inline(never)]
    fn fetch_ahead(&self) {
        let [.., top, _] = self.hot[..] else { return };
        for line in 1..LINES {
            sys::prefetch(ptr::without_provenance(top - 64 * line));
        }
        if self.hot.len().is_multiple_of(GROUP) {
            for top in self.hot.iter().rev().skip(GROUP).take(GROUP) {
                sys::prefetch(ptr::without_provenance(*top));
            }
        }
    }

    /// A stack that has no pages.
    #[cold]
    fn take_cold(&mut self) -> io::Result<Taken> {
        if !self.chunks.get(self.lender).is_some_and(Chunk::has_room) {
            // None has room only if stacks were leaked, for these were promised to users that are gone.
            self.lender = match self.chunks.iter().position(Chunk::has_room) {
                Some(index) => index,
                None => self.grow()?,
            };
        }
        let taken = self.chunks[self.lender].take().map_err(|error| self.name_limit(&error))?;
        Ok(taken.expect("a chunk that has room has a stack"))
    }

    /// Reserves another chunk; returns its index.
    #[cold]
    fn grow(&mut self) -> io::Result<usize> {
        let setting = self.guards.setting();
        let most = if setting == Setting::AtBind { MOST_SLOTS } else { MOST_SLOTS_WITH_HEAVY_GUARDS };
        let fitting = (LARGEST_CHUNK / self.layout.slot()).max(1);
        let slots = self.slots.clamp(FEWEST_SLOTS, most).min(fitting);
        let chunk = Chunk::reserve(self.layout, slots, setting).map_err(|error| self.name_limit(&error))?;
        self.slots += chunk.slots();
        self.shrink_below = self.slots / 4;
        self.hot.reserve(self.slots.min(self.cache.saturating_add(1)) - self.hot.len());
        self.lender = self.chunks.partition_point(|other| other.start() < chunk.start());
        self.chunks.insert(self.lender, chunk);
        Ok(self.lender)
    }

    /// Too many are hot: cleans the older half.
    #[cold]
    fn trim(&mut self) {
        self.clean_oldest(self.hot.len() - self.cache / 2);
        self.unmap_spare();
    }

    /// After a peak: unmaps what far fewer users do not need.
    #[cold]
    fn shrink(&mut self) {
        if self.slots / 4 > self.promised.saturating_add(self.cache) {
            // Those who have ended left their stacks in any order: a few hot ones hold every chunk.
            self.clean_oldest(self.hot.len());
        }
        self.unmap_spare();
        // Not again before half of those who live now have gone.
        self.shrink_below = self.promised.div_ceil(2);
    }

    fn clean_oldest(&mut self, count: usize) {
        let mut tops: Vec<usize> = self.hot.drain(..count).collect();
        tops.sort_unstable();
        self.clean(&tops);
    }

    /// Puts stacks that are on no list back into their chunks. `tops` are sorted.
    fn clean(&mut self, tops: &[usize]) {
        let mut rest = tops;
        while let Some(first) = rest.first() {
            let index = self.chunk_of(*first).expect("stacks on this shelf are of its chunks");
            let chunk = &mut self.chunks[index];
            let end = chunk.start() + chunk.slots() * self.layout.slot();
            let (of_this_chunk, others) = rest.split_at(rest.partition_point(|top| *top < end));
            // SAFETY: these stacks came off the hot list: they were given back, so nothing stands on them, and
            // nobody can bind them.
            unsafe { chunk.clean(of_this_chunk) };
            rest = others;
        }
    }

    /// Unmaps chunks of which nothing is out, as long as the others are more than enough for who was promised one, and for
    /// the cache: else users who come and go by the hundred would map and unmap them each time.
    fn unmap_spare(&mut self) {
        let enough = (self.promised + self.promised / 2).max(self.cache);
        self.unmap_down_to(FEWEST_SLOTS.max(enough));
    }

    /// Unmaps chunks of which nothing is out, as long as `enough` slots are left.
    fn unmap_down_to(&mut self, enough: usize) {
        let slots = &mut self.slots;
        let spare = self.chunks.extract_if(.., |chunk| {
            let goes = chunk.out() == 0 && *slots - chunk.slots() >= enough;
            *slots -= if goes { chunk.slots() } else { 0 };
            goes
        });
        for chunk in spare {
            // SAFETY: nothing of it is out: its stacks are clean or untouched.
            unsafe { chunk.unmap() };
        }
        self.lender = 0;
    }

    /// The index of the chunk in which `address` lies.
    fn chunk_of(&self, address: usize) -> Option<usize> {
        let index = self.chunks.partition_point(|chunk| chunk.start() <= address).checked_sub(1)?;
        let chunk = &self.chunks[index];
        (address < chunk.start() + chunk.slots() * self.layout.slot()).then_some(index)
    }

    fn name_limit(&self, cause: &io::Error) -> io::Error {
        limit::name(cause, self.promised, self.layout.slot())
    }
}

/// Unmaps what nobody stands on. Chunks with stacks that are bound still are leaked, for ever, and an overflow in
/// one of these is still reported (S8).
impl Drop for Shelf {
    fn drop(&mut self) {
        self.clean_oldest(self.hot.len());
        self.unmap_down_to(0);
    }
}
