//! from_gevent: being written.
