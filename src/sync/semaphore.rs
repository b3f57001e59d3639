//! semaphore: being written.
