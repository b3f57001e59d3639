//! from_async_lock: being written.
