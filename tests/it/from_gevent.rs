//! Cases of gevent, rewritten: its tests of what this crate has from there. Each file names its source.

mod pool;
