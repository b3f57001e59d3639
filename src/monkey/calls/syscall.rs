//! The symbol `syscall`: glibc's, but that futexes go by way of [`futex`](crate::monkey::futex).
//!
//! Callers declare it as C does, with a variable number of arguments. Both calling conventions pass integers to such a
//! function in the registers, and from the seventh on (x86-64) in the place on the stack, that they have for one with seven
//! of them (System V ABI x86-64 3.2.3 and 3.5.7; AAPCS64 6.4.2: variadic arguments go as named ones do). Who passes fewer
//! leaves what happens to be there, which glibc's own loads as well and the kernel does not look at.
//!
//! What is no futex takes glibc's own instructions, on no stack of ours: they serve a child that shares its parent's stack
//! (vfork) as well or ill as glibc's do.

use std::arch::naked_asm;
use std::ffi::{c_int, c_long};

use crate::monkey::raw;

/// The system call `number`, as man 2 syscall says.
///
/// # Safety
///
/// The kernel believes what it is told.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn syscall(
    number: c_long,
    one: c_long,
    two: c_long,
    three: c_long,
    four: c_long,
    five: c_long,
    six: c_long,
) -> c_long {
    // A jump leaves arguments and return address where `on_futex` expects them.
    naked_asm!(
        "cmp rdi, {futex}",
        "je {on_futex}",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov r10, r8",
        "mov r8, r9",
        "mov r9, [rsp + 8]",
        "syscall",
        "cmp rax, -4095",
        "jae 2f",
        "ret",
        "2:",
        "mov rdi, rax",
        "jmp {failed}",
        futex = const libc::SYS_futex,
        on_futex = sym crate::monkey::futex::on_futex,
        failed = sym failed,
    )
}

/// The system call `number`, as man 2 syscall says.
///
/// # Safety
///
/// The kernel believes what it is told.
#[cfg(target_arch = "aarch64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn syscall(
    number: c_long,
    one: c_long,
    two: c_long,
    three: c_long,
    four: c_long,
    five: c_long,
    six: c_long,
) -> c_long {
    // A branch leaves arguments and return address where `on_futex` expects them.
    naked_asm!(
        "cmp x0, #{futex}",
        "b.ne 1f",
        "b {on_futex}",
        "1:",
        "mov x8, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "mov x3, x4",
        "mov x4, x5",
        "mov x5, x6",
        "svc 0",
        "cmn x0, #4095",
        "b.cs 2f",
        "ret",
        "2:",
        "b {failed}",
        futex = const libc::SYS_futex,
        on_futex = sym crate::monkey::futex::on_futex,
        failed = sym failed,
    )
}

/// What a call comes to in C that the kernel answered with `answer`.
extern "C" fn failed(answer: c_long) -> c_long {
    raw::set_errno(-answer as c_int);
    -1
}
