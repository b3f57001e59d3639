//! Unmodified blocking code that cooperates.

#[expect(unsafe_code, reason = "is called by C")]
mod calls;
#[expect(unsafe_code, reason = "makes system calls")]
mod flip;
#[expect(unsafe_code, reason = "makes system calls")]
mod gate;
#[expect(unsafe_code, reason = "makes system calls")]
mod raw;
#[expect(unsafe_code, reason = "maps pages; makes system calls")]
mod table;
mod wait;

use self::gate::Group;

/// Patches all groups of calls.
pub fn patch_all() {
    patch_socket();
    patch_time();
    patch_dns();
}

/// Patches the calls on descriptors.
pub fn patch_socket() {
    gate::patch(Group::Socket);
}

/// Patches the calls that sleep.
pub fn patch_time() {
    gate::patch(Group::Time);
}

/// Patches the look-up of names.
pub fn patch_dns() {
    gate::patch(Group::Dns);
}
