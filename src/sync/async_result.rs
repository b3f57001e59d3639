//! async_result: being written.
