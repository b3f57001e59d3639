//! The pool against a real kernel. What looks at the whole process, or limits it, runs in a process of its own.

use std::fs;
use std::os::fd::AsRawFd;
use std::panic::Location;
use std::process::Command;
use std::ptr::null;

use super::*;

const BOTH: [Guards; 2] = [Guards::Automatic, Guards::Mprotect];

fn pool(guards: Guards, cache: usize) -> Pool {
    Pool::new(Settings { cache, guards })
}

fn take(pool: &Pool, class: Class) -> Stack {
    pool.promise(class).unwrap();
    pool.bind(class, null()).unwrap()
}

fn put(pool: &Pool, class: Class, stack: Stack) {
    pool.give_back(stack);
    pool.release(class);
}

/// Writes to each page of a stack and to both of its ends.
fn fill(stack: &Stack, byte: u8) {
    for address in (stack.bottom()..stack.top()).step_by(4096).chain([stack.top() - 1]) {
        // SAFETY: between bottom and top lies a stack of this test's, on which nothing runs.
        unsafe { (address as *mut u8).write(byte) };
    }
}

fn holds(stack: &Stack, byte: u8) -> bool {
    // SAFETY: as in `fill`.
    let read = |address: usize| unsafe { (address as *const u8).read() };
    (stack.bottom()..stack.top()).step_by(4096).chain([stack.top() - 1]).all(|address| read(address) == byte)
}

/// Runs `body` in a process of its own: this test once more, alone.
fn alone(test: &str, body: fn()) {
    const MARK: &str = "GREENROOM_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{test}"), "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Kilobytes of a line of /proc/self/status.
fn kilobytes(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn every_byte_of_every_stack_is_its_own() {
    for guards in BOTH {
        let pool = pool(guards, 8);
        let class = pool.class(0).unwrap();
        let stacks: Vec<_> = (0..100).map(|_| take(&pool, class)).collect();
        for (index, stack) in stacks.iter().enumerate() {
            assert!(stack.is_fresh());
            assert!((stack.top() - stack.bottom()) >> 10 >= pool.kib(class) as usize);
            fill(stack, index as u8);
        }
        for (index, stack) in stacks.iter().enumerate() {
            assert!(holds(stack, index as u8));
        }
        for stack in stacks {
            put(&pool, class, stack);
        }
    }
}

#[test]
fn every_page_of_every_guard_faults() {
    let (_reader, writer) = io::pipe().unwrap();
    // The kernel says EFAULT where a touch of our own would be a signal.
    // SAFETY: the kernel reads one byte, if it can.
    let faults = |address: usize| unsafe { libc::write(writer.as_raw_fd(), address as *const _, 1) } == -1;
    for guards in BOTH {
        let pool = pool(guards, 4);
        let class = pool.class(0).unwrap();
        for _round in ["fresh", "clean or hot"] {
            let stacks: Vec<_> = (0..20).map(|_| take(&pool, class)).collect();
            for stack in &stacks {
                let (limit, bottom) = (stack.limit_address().get(), stack.bottom());
                assert!(bottom - limit >= 64 << 10);
                assert!((limit..bottom).step_by(sys::page_size()).chain([bottom - 1]).all(faults));
                assert!(!faults(bottom) && !faults(stack.top() - 1));
            }
            stacks.into_iter().for_each(|stack| put(&pool, class, stack));
        }
    }
}

#[test]
fn the_stack_that_was_given_back_last_is_bound_first() {
    let pool = pool(Guards::Automatic, 64);
    let class = pool.class(DEFAULT_SIZE).unwrap();
    let stacks: Vec<_> = (0..40).map(|_| take(&pool, class)).collect();
    let tops: Vec<_> = stacks.iter().map(Stack::top).collect();
    stacks.into_iter().for_each(|stack| put(&pool, class, stack));
    for top in tops.into_iter().rev() {
        let stack = take(&pool, class);
        assert_eq!(stack.top(), top);
        assert!(!stack.is_fresh());
    }
}

#[test]
fn a_promise_alone_takes_no_stack() {
    let pool = pool(Guards::Automatic, 64);
    let class = pool.class(DEFAULT_SIZE).unwrap();
    for _ in 0..10_000 {
        pool.promise(class).unwrap();
    }
    assert_eq!(pool.stacks(), 0);
    let first = pool.bind(class, null()).unwrap();
    assert_eq!(pool.stacks(), 1);
    put(&pool, class, first);
    assert_eq!(pool.stacks(), 0);
}

#[test]
fn a_class_is_at_least_the_smallest_size_and_whole_pages() {
    let pool = pool(Guards::Automatic, 64);
    assert!(smallest_size() >= sys::least_signal_stack() + (16 << 10));
    assert_eq!(pool.kib(pool.class(1).unwrap()) as usize, smallest_size() >> 10);
    assert_eq!(pool.kib(pool.class((256 << 10) - 1).unwrap()), 256);
    assert_eq!(pool.class(256 << 10).unwrap(), pool.class((256 << 10) - 1).unwrap());
    assert_eq!(pool.class(usize::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_size_that_fits_nowhere_is_an_error_of_the_promise() {
    let pool = pool(Guards::Automatic, 64);
    let class = pool.class(1 << 50).unwrap();
    let error = pool.promise(class).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("cannot reserve stacks"), "{error}");
    pool.promise(pool.class(0).unwrap()).unwrap();
}

#[test]
fn a_leaked_stack_outlives_its_pool_and_hinders_nobody() {
    for guards in BOTH {
        let pool = pool(guards, 0);
        let class = pool.class(0).unwrap();
        let leaked: Vec<_> = (0..40).map(|_| take(&pool, class)).collect();
        leaked.iter().for_each(|stack| fill(stack, 7));
        (0..40).for_each(|_| pool.release(class));
        // All slots that were promised are gone for ever; there are new ones.
        let stacks: Vec<_> = (0..40).map(|_| take(&pool, class)).collect();
        stacks.into_iter().for_each(|stack| put(&pool, class, stack));
        drop(pool);
        assert!(leaked.iter().all(|stack| holds(stack, 7)));
    }
}

#[test]
fn without_a_cache_a_stack_comes_back_empty() {
    for guards in BOTH {
        let pool = pool(guards, 0);
        let class = pool.class(0).unwrap();
        let stack = take(&pool, class);
        fill(&stack, 9);
        let top = stack.top();
        put(&pool, class, stack);
        let again = take(&pool, class);
        assert_eq!(again.top(), top);
        assert!(holds(&again, 0));
        fill(&again, 1);
    }
}

#[test]
fn an_os_thread_without_an_alternate_stack_gets_one() {
    std::thread::spawn(|| {
        sys::remove_signal_stack().unwrap();
        drop(pool(Guards::Automatic, 0));
        assert!(sys::signal_stack().is_some());
    })
    .join()
    .unwrap();
}

#[test]
fn the_shared_pool_of_an_os_thread_is_one_and_works_after_its_thread_locals() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            let pool = Pool::of_this_os_thread();
            let class = pool.class(0).unwrap();
            let stack = take(&pool, class);
            fill(&stack, 1);
            put(&pool, class, stack);
        }
    }
    thread_local!(static LAST: Last = const { Last });
    std::thread::spawn(|| {
        LAST.with(|_| {});
        let pool = Pool::of_this_os_thread();
        let class = pool.class(0).unwrap();
        let stack = take(&pool, class);
        assert_eq!(Pool::of_this_os_thread().stacks(), 1);
        put(&pool, class, stack);
    })
    .join()
    .unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn many_stacks_take_few_mappings() {
    alone("many_stacks_take_few_mappings", || {
        let pool = pool(Guards::Automatic, 64);
        if Guards::Automatic.setting() == Guards::Mprotect.setting() {
            return; // This kernel has no guards that cost nothing.
        }
        let class = pool.class(DEFAULT_SIZE).unwrap();
        let before = mappings();
        let stacks: Vec<_> = (0..40_000).map(|_| take(&pool, class)).collect();
        assert!(mappings() - before < 40, "{} mappings", mappings() - before);
        drop(stacks);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_given_back_after_a_peak() {
    alone("memory_is_given_back_after_a_peak", || {
        for guards in BOTH {
            for stride in [1, 7_919] {
                let pool = pool(guards, 256);
                let class = pool.class(DEFAULT_SIZE).unwrap();
                let (resident, addresses, mapped) = (kilobytes("VmRSS"), kilobytes("VmSize"), mappings());
                let mut stacks: Vec<_> = (0..20_000).map(|_| Some(take(&pool, class))).collect();
                assert!(kilobytes("VmRSS") - resident > 70_000);
                for turn in 0..stacks.len() {
                    let index = turn * stride % stacks.len();
                    put(&pool, class, stacks[index].take().unwrap());
                }
                assert_eq!(pool.stacks(), 0);
                assert!(kilobytes("VmRSS") < resident + 12_000, "{} kB", kilobytes("VmRSS") - resident);
                if stride == 1 {
                    assert!(
                        kilobytes("VmSize") < addresses + (2 << 20),
                        "{} kB",
                        kilobytes("VmSize") - addresses
                    );
                }
                drop(pool);
                assert!(mappings() < mapped + 20);
                assert!(kilobytes("VmSize") < addresses + 100_000);
            }
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn page_tables_go_back_after_a_peak_however_its_stacks_come_home() {
    alone("page_tables_go_back_after_a_peak_however_its_stacks_come_home", || {
        let pool = pool(Guards::Automatic, 256);
        let class = pool.class(DEFAULT_SIZE).unwrap();
        let before = kilobytes("VmPTE");
        let mut stacks: Vec<_> = (0..20_000).map(|_| Some(take(&pool, class))).collect();
        let peak = kilobytes("VmPTE") - before;
        for turn in 0..stacks.len() {
            put(&pool, class, stacks[turn * 7_919 % 20_000].take().unwrap());
        }
        let rest = kilobytes("VmPTE") - before;
        assert!(rest < peak / 4, "{rest} kB of {peak} kB");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_stack_in_locked_memory_gets_a_guard_all_the_same() {
    alone("a_stack_in_locked_memory_gets_a_guard_all_the_same", || {
        let pool = pool(Guards::Automatic, 64);
        let class = pool.class(0).unwrap();
        let stacks = [take(&pool, class), take(&pool, class)];
        let next = stacks[1].limit_address().get() * 2 - stacks[0].limit_address().get();
        // SAFETY: the next slot of the same chunk is mapped and unused; locking changes nothing in it.
        if unsafe { libc::mlock(next as *const _, 64 << 10) } != 0 {
            return; // This process may lock nothing (ulimit -l).
        }
        let third = take(&pool, class);
        assert_eq!(third.limit_address().get(), next);
        fill(&third, 1);
        if pool.settings.guards.setting() != Guards::Mprotect.setting() {
            let guard = format!("{:x}-{:x} ---p", next, third.bottom());
            assert!(fs::read_to_string("/proc/self/maps").unwrap().contains(&guard), "{guard}");
        }
    });
}

#[test]
fn signals_that_are_no_overflow_go_to_who_handled_them_before() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static SEEN: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    extern "C" fn with_info(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        SEEN[0].fetch_add(usize::from(!info.is_null()), Ordering::Relaxed);
    }
    extern "C" fn without(_: libc::c_int) {
        SEEN[1].fetch_add(1, Ordering::Relaxed);
    }

    alone("signals_that_are_no_overflow_go_to_who_handled_them_before", || {
        // SAFETY: both handlers only count.
        unsafe {
            sys::handle_signal(libc::SIGSEGV, with_info).unwrap();
            libc::signal(libc::SIGBUS, without as *const () as usize);
        }
        drop(pool(Guards::Automatic, 0));
        sys::raise_signal(libc::SIGSEGV);
        sys::raise_signal(libc::SIGBUS);
        sys::raise_signal(libc::SIGSEGV);
        assert_eq!(SEEN[0].load(Ordering::Relaxed), 2);
        assert_eq!(SEEN[1].load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_sent_signal_that_was_ignored_stays_ignored() {
    alone("a_sent_signal_that_was_ignored_stays_ignored", || {
        // SAFETY: no handler of ours runs.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
        drop(pool(Guards::Automatic, 0));
        sys::raise_signal(libc::SIGBUS);
        sys::raise_signal(libc::SIGBUS);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn addresses_that_were_only_promised_go_back_after_a_peak() {
    alone("addresses_that_were_only_promised_go_back_after_a_peak", || {
        let pool = pool(Guards::Automatic, 256);
        let class = pool.class(DEFAULT_SIZE).unwrap();
        let before = kilobytes("VmSize");
        (0..100_000).for_each(|_| pool.promise(class).unwrap());
        assert!(kilobytes("VmSize") > before + 100_000 * 256);
        (0..100_000).for_each(|_| pool.release(class));
        assert!(kilobytes("VmSize") < before + (1 << 20));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_addresses_is_an_error_that_names_it() {
    alone("a_limit_of_addresses_is_an_error_that_names_it", || {
        for guards in BOTH {
            let used = kilobytes("VmSize") as u64 * 1024;
            let limit = libc::rlimit { rlim_cur: used + (256 << 20), rlim_max: libc::RLIM_INFINITY };
            // SAFETY: setrlimit reads the struct; this process is the test's own.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
            let pool = pool(guards, 64);
            let class = pool.class(DEFAULT_SIZE).unwrap();
            let mut stacks = Vec::new();
            let error = loop {
                match pool.promise(class) {
                    Ok(()) => stacks.push(pool.bind(class, null()).unwrap()),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
            let text = error.to_string();
            assert!(
                text.contains("RLIMIT_AS") && text.contains(&format!("{} are in use", stacks.len())),
                "{text}"
            );
            assert!(stacks.len() > 500, "{} stacks", stacks.len());
            // The others still find memory, and who ends makes room for who comes.
            drop(vec![1u8; 8 << 20]);
            put(&pool, class, stacks.pop().unwrap());
            stacks.push(take(&pool, class));
            stacks.into_iter().for_each(|stack| put(&pool, class, stack));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_mappings_is_an_error_that_names_it() {
    alone("a_limit_of_mappings_is_an_error_that_names_it", || {
        let most: usize = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
        if most > 100_000 {
            return; // Raised on this machine: the limit is too far away for a test.
        }
        let pool = pool(Guards::Mprotect, 64);
        let class = pool.class(0).unwrap();
        let mut promised = 0;
        let error = loop {
            match pool.promise(class) {
                Ok(()) => promised += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(error.to_string().contains(&format!("vm.max_map_count = {most}")), "{error}");
        assert!(promised > most / 2 - 500, "{promised}");
        std::thread::spawn(|| drop(vec![1u8; 8 << 20])).join().unwrap();
        let label = Label::new(Kind::GreenThread, None, Location::caller(), pool.kib(class));
        pool.give_back(pool.bind(class, &label).unwrap());
    });
}
