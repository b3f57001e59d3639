//! The keys of `redis_like`: what each holds, and until when.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub(crate) type List = VecDeque<Box<[u8]>>;

pub(crate) enum Value {
    Text(Vec<u8>),
    List(List),
}

struct Entry {
    value: Value,
    /// Then it is gone, and stands in `ends` of the store under the same moment.
    ends: Option<Instant>,
}

/// The clock is the caller's: what has ended by `now` is not there.
#[derive(Default)]
pub(crate) struct Store {
    entries: HashMap<Rc<[u8]>, Entry>,
    ends: BTreeSet<(Instant, Rc<[u8]>)>,
}

impl Store {
    pub(crate) fn get(&mut self, key: &[u8], now: Instant) -> Option<&mut Value> {
        self.forget_if_over(key, now);
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Makes `key` hold `text` until `end`, whatever it held.
    pub(crate) fn set(&mut self, key: &[u8], text: &[u8], end: Option<Instant>) {
        match self.entries.get_mut(key) {
            // The room of the old text is taken again.
            Some(Entry { value: Value::Text(old), ends: None }) => {
                old.clear();
                old.extend_from_slice(text);
            }
            _ => {
                self.forget(key);
                self.entries.insert(key.into(), Entry { value: Value::Text(text.into()), ends: None });
            }
        }
        if end.is_some() {
            self.end_at(key, end);
        }
    }

    /// Lets `change` work on what `key` holds, or else on what `make` makes, which it holds from then on.
    pub(crate) fn change<T>(
        &mut self,
        key: &[u8],
        now: Instant,
        make: impl FnOnce() -> Value,
        change: impl FnOnce(&mut Value) -> T,
    ) -> T {
        if let Some(value) = self.get(key, now) {
            return change(value);
        }
        let mut value = make();
        let changed = change(&mut value);
        self.entries.insert(key.into(), Entry { value, ends: None });
        changed
    }

    pub(crate) fn remove(&mut self, key: &[u8], now: Instant) -> bool {
        self.get(key, now).is_some() && self.forget(key)
    }

    /// Sets the end of `key`; false if there is no such key.
    pub(crate) fn expire(&mut self, key: &[u8], end: Instant, now: Instant) -> bool {
        let there = self.get(key, now).is_some();
        if there {
            self.end_at(key, Some(end));
        }
        there
    }

    /// How long `key` is there yet: `None` if it is not, `Some(None)` if it has no end.
    pub(crate) fn time_left(&mut self, key: &[u8], now: Instant) -> Option<Option<Duration>> {
        self.get(key, now)?;
        self.entries.get(key).map(|entry| entry.ends.map(|end| end - now))
    }

    /// Removes what has ended though nobody asks for it, `most` keys at most. True if that was all.
    pub(crate) fn sweep(&mut self, now: Instant, most: usize) -> bool {
        for _ in 0..most {
            match self.ends.first() {
                Some((end, key)) if *end <= now => {
                    let key = Rc::clone(key);
                    self.forget(&key);
                }
                _ => return true,
            }
        }
        false
    }

    fn end_at(&mut self, key: &[u8], end: Option<Instant>) {
        let Some((key, _)) = self.entries.get_key_value(key) else { return };
        let key = Rc::clone(key);
        let entry = self.entries.get_mut(&key).expect("its key is there");
        if let Some(old) = std::mem::replace(&mut entry.ends, end) {
            self.ends.remove(&(old, Rc::clone(&key)));
        }
        self.ends.extend(end.map(|end| (end, key)));
    }

    fn forget_if_over(&mut self, key: &[u8], now: Instant) {
        // Mostly nothing at all is over, and that is known without a search for the key.
        if self.ends.first().is_some_and(|(end, _)| *end <= now)
            && self.entries.get(key).and_then(|entry| entry.ends).is_some_and(|end| end <= now)
        {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &[u8]) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return false };
        if let Some(end) = entry.ends {
            self.ends.remove(&(end, key));
        }
        true
    }
}
