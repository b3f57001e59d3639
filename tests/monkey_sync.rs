//! `monkey::patch_sync`, in a process of its own: a patch holds for all of it.

#[path = "monkey/sync.rs"]
mod sync;
#[expect(unsafe_code, reason = "makes system calls")]
#[path = "monkey/sync_calls.rs"]
mod sync_calls;
#[path = "monkey/sync_storm.rs"]
mod sync_storm;

#[allow(dead_code, reason = "shared with other test binaries")]
#[path = "it/support.rs"]
mod support;
