//! The floor under what crosses OS threads: std's synchronisation, or loom's when the models are built.
//!
//! A file that crosses OS threads takes its atomics, `Arc` and cell from here, and declares its constructors with
//! [`const_fn!`]. The models (`loom-tests/`) compile that very file with `cfg(loom)`; nothing else in it knows.

#[cfg(loom)]
pub(crate) use loom::{cell::UnsafeCell, sync};
#[cfg(not(loom))]
pub(crate) use std::sync;

/// [`std::cell::UnsafeCell`] in loom's shape: each access is a closure, so that loom sees where it begins and ends.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Lends the place of the value to `access`, which alone may touch it meanwhile.
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// Declares a `const fn`, which under loom is a plain one: loom's types register themselves when they are made.
#[cfg(not(loom))]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)+) => {
        $(#[$attribute])* $visibility const fn $($rest)+
    };
}

#[cfg(loom)]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)+) => {
        $(#[$attribute])* $visibility fn $($rest)+
    };
}

pub(crate) use const_fn;
