//! What the files under test need of `greenlet`: a loom thread has one stack, and no model throws where it is contained.

pub(crate) mod chain {
    pub(crate) struct Forbid(());

    impl Drop for Forbid {
        fn drop(&mut self) {}
    }

    pub(crate) fn forbid() -> Forbid {
        Forbid(())
    }
}

pub(crate) mod unwind {
    pub(crate) fn contain(f: impl FnOnce()) {
        f();
    }
}
