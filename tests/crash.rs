//! What ends a process, and what must not: each case is played by a child process, this same binary.
//!
//! The parent starts itself with the name of a case in the environment and only the test
//! [`a_child_plays_the_case_it_is_told`]; there is no other way to see a process die.

#![allow(unsafe_code, reason = "signal handlers and bad addresses, on purpose")]

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use greenroom::executor::ThreadPoolExecutor;
use greenroom::generator::{Generator, Yielder};
use greenroom::greenlet::Greenlet;
use greenroom::thread::Builder;
use greenroom::{Runtime, sleep, spawn, yield_now};

const CASE: &str = "GREENROOM_CRASH_CASE";
/// How long a child may take before it is ended by force.
const PATIENCE: Duration = Duration::from_secs(120);

// ---- the child's side ----

#[test]
fn a_child_plays_the_case_it_is_told() {
    let Ok(case) = std::env::var(CASE) else { return };
    leave_no_core();
    let (_, play) = CASES.iter().find(|(name, _)| *name == case).expect("a case of the table");
    play();
}

const CASES: &[(&str, fn())] = &[
    ("deep", deep_in_a_green_thread),
    ("deep, small", deep_on_a_small_stack),
    ("deep, heir", deep_where_another_ended),
    ("deep, mprotect", || Runtime::builder().mprotect_guards().build().unwrap().run(deep_among_others)),
    ("deep, second OS thread", || std::thread::spawn(deep_in_a_green_thread).join().unwrap()),
    ("deep, nameless", || greenroom::run(|| drop(spawn(|| deep(0)).join()))),
    ("deep, greenlet", deep_in_a_greenlet),
    ("deep, generator", deep_in_a_generator),
    ("deep, OS thread", deep_on_the_os_threads_own_stack),
    ("bad address", || greenroom::run(|| spawn(touch_a_bad_address).join().unwrap())),
    ("bad address, root", || greenroom::run(touch_a_bad_address)),
    ("handler before", || {
        install_a_handler();
        greenroom::run(|| spawn(touch_a_bad_address).join().unwrap());
    }),
    ("handler before, deep", || {
        install_a_handler();
        deep_in_a_green_thread();
    }),
    ("handler after", || {
        greenroom::run(|| {
            spawn(|| ()).join().unwrap();
            install_a_handler();
            spawn(touch_a_bad_address).join().unwrap();
        });
    }),
    ("stubborn", stubborn_at_the_end),
    ("watchdog", busy_under_a_watchdog),
    ("watchdog, idle", idle_under_a_watchdog),
    ("hook parks", a_panic_hook_that_parks),
    ("no OS thread", no_os_thread_to_be_had),
    ("exit", || greenroom::run(|| spawn(|| std::process::exit(23)).join().unwrap())),
    ("exit in a storm", exit_while_others_unpark),
    ("fork", || greenroom::run(|| spawn(use_it_after_a_fork).join().unwrap())),
    ("fork, root", || greenroom::run(use_it_after_a_fork)),
    ("fork, other OS thread", fork_on_an_os_thread_without_a_hub),
    ("fork, return", return_from_a_green_thread_after_a_fork),
    ("fork, drop", || drop_a_runtime_in_a_green_thread_after_a_fork(false)),
    ("fork, drop and panic", || drop_a_runtime_in_a_green_thread_after_a_fork(true)),
    ("fork, parent", forks_beside_an_echo),
    ("fork, exec", exec_after_a_fork),
];

/// Recurses until the stack is used up.
#[allow(unconditional_recursion, reason = "that is the case")]
#[inline(never)]
fn deep(level: u64) -> u64 {
    let frame = black_box([level; 32]);
    deep(level + 1) + frame[(level % 32) as usize]
}

fn deep_in_a_green_thread() {
    greenroom::run(deep_among_others);
}

fn deep_among_others() {
    let neighbour = spawn(|| sleep(Duration::from_secs(30)));
    let child = Builder::new().name("deep").spawn(|| deep(0)).unwrap();
    drop((child.join(), neighbour));
}

fn deep_where_another_ended() {
    greenroom::run(|| {
        let first = Builder::new().name("first").spawn(|| ()).unwrap();
        let heir = Builder::new().name("heir").spawn(|| black_box(deep(0))).unwrap();
        (first.join().unwrap(), heir.join().unwrap())
    });
}

fn deep_on_a_small_stack() {
    greenroom::run(|| {
        let child = Builder::new().name("deep").stack_size(1).spawn(|| deep(0)).unwrap();
        drop(child.join());
    });
}

fn deep_in_a_greenlet() {
    Greenlet::<u64>::new(deep).switch(0);
}

fn deep_in_a_generator() {
    let mut generator = Generator::new(|_: &Yielder<(), ()>, ()| deep(0));
    generator.send(());
}

fn deep_on_the_os_threads_own_stack() {
    greenroom::run(|| {
        spawn(|| ()).join().unwrap();
        deep(0);
    });
}

fn touch_a_bad_address() {
    let nowhere = std::ptr::without_provenance::<u8>(black_box(16));
    // SAFETY: none; that is the case. The first page is never mapped.
    unsafe { nowhere.read_volatile() };
}

fn install_a_handler() {
    extern "C" fn handler(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        let text = b"the user's handler\n";
        // SAFETY: both are async-signal-safe, and the text is there.
        unsafe {
            libc::write(2, text.as_ptr().cast(), text.len());
            libc::_exit(42);
        }
    }
    // SAFETY: the action is whole: a zeroed mask is an empty one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()), 0);
    }
}

fn leave_no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is there for the call.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
}

fn stubborn_at_the_end() {
    let begun = Instant::now();
    let elsewhere = std::thread::spawn(stubborn_and_asked_for_from_elsewhere);
    greenroom::run(|| {
        Builder::new().name("stubborn").daemon(true).spawn(swallow_what_unwinds).unwrap();
        yield_now();
    });
    eprintln!("the end took {} ms", begun.elapsed().as_millis());
    greenroom::run(|| spawn(|| ()).join().unwrap());
    elsewhere.join().unwrap();
}

fn swallow_what_unwinds() {
    loop {
        let _ = std::panic::catch_unwind(|| sleep(Duration::from_secs(3_600)));
    }
}

fn stubborn_and_asked_for_from_elsewhere() {
    let runtime = Runtime::new().unwrap();
    let job = runtime.handle().spawn(swallow_what_unwinds);
    while !job.is_running() {
        runtime.turn(Some(Duration::from_millis(1))).unwrap();
    }
    let waiter = std::thread::spawn(move || job.result().is_err_and(|error| error.is_killed()));
    drop(runtime);
    eprintln!("who waits elsewhere hears that it was killed: {}", waiter.join().unwrap());
}

fn busy_under_a_watchdog() {
    Runtime::builder().watchdog(Duration::from_millis(300)).build().unwrap().run(|| {
        let neighbours: Vec<_> = (0..99).map(|_| spawn(|| sleep(Duration::from_millis(20)))).collect();
        let busy = || std::thread::sleep(Duration::from_millis(1_000));
        Builder::new().name("busy").spawn(busy).unwrap().join().unwrap();
        greenroom::joinall(neighbours);
    });
}

fn idle_under_a_watchdog() {
    Runtime::builder().watchdog(Duration::from_millis(150)).build().unwrap().run(|| {
        spawn(|| sleep(Duration::from_millis(600))).join().unwrap();
    });
}

/// reliability.md, H11.
fn a_panic_hook_that_parks() {
    std::panic::set_hook(Box::new(|_| {
        sleep(Duration::from_millis(1));
        yield_now();
        eprintln!("the hook went on");
    }));
    greenroom::run(|| {
        let neighbour = spawn(|| (0..10).for_each(|_| yield_now()));
        let error = spawn(|| -> () { panic!("the original") }).join().unwrap_err();
        eprintln!("joined: {}", error.message());
        neighbour.join().unwrap();
    });
}

/// The system has no room for the stack of one more OS thread. That there is no right to one (`RLIMIT_NPROC`) comes to the
/// same error, but binds nobody who is root.
fn no_os_thread_to_be_had() {
    greenroom::run(|| {
        let pool = ThreadPoolExecutor::new(2);
        let first = pool.submit(|| 1);
        first.wait();
        let busy = pool.submit(|| std::thread::sleep(Duration::from_millis(20)));
        leave_no_address_space();
        let waits = pool.submit(|| "queued for the worker there is");
        let refused = ThreadPoolExecutor::new(1).submit(|| ()).result().unwrap_err();
        let unblocked = std::panic::catch_unwind(|| greenroom::unblock(|| ()));
        let looked_up = greenroom::net::lookup_host("localhost:80").map(drop);
        // Each in one piece: what is printed needs memory, too.
        eprintln!("refused: {} {}", refused.is_refused(), refused.message());
        eprintln!("unblock panicked: {}", unblocked.is_err());
        eprintln!("look-up failed: {}", looked_up.is_err());
        eprintln!("then: {}", waits.result().unwrap());
        busy.result().unwrap();
    });
}

fn leave_no_address_space() {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').next().unwrap().parse().unwrap();
    let now = pages * 4096 + (1 << 20);
    let limit = libc::rlimit { rlim_cur: now, rlim_max: now };
    // SAFETY: the limit is there for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// reliability.md, K12.
fn exit_while_others_unpark() {
    greenroom::run(|| {
        let target = spawn(greenroom::thread::park).thread().clone();
        for _ in 0..4 {
            let target = target.clone();
            std::thread::spawn(move || {
                loop {
                    target.unpark();
                }
            });
        }
        sleep(Duration::from_millis(10));
        std::process::exit(24);
    });
}

/// Forks; the child does `act` and says what that came to, under this name.
fn in_a_fork(name: &str, act: impl FnOnce()) {
    // SAFETY: the other OS threads of this process sleep, so no lock of theirs is held.
    match unsafe { libc::fork() } {
        0 => {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).err();
            let told = told.map(|payload| message_of(&*payload));
            eprintln!("{name}: {}", told.as_deref().unwrap_or("nobody told anything"));
            // SAFETY: ends the child, which has no use for destructors.
            unsafe { libc::_exit(0) }
        }
        child => {
            let mut status = 0;
            // SAFETY: the child is ours, and the kernel fills the number.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "{name}");
        }
    }
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(message), _) => message.clone(),
        (_, Some(message)) => message.to_string(),
        _ => "(no text)".into(),
    }
}

/// reliability.md, P24, as decided: the first use in the child says what to do.
fn use_it_after_a_fork() {
    let lock = greenroom::sync::Mutex::new(());
    let (left, _right) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut stream = greenroom::net::TcpStream::from(std::os::fd::OwnedFd::from(left));
    in_a_fork("sleep", || sleep(Duration::from_millis(1)));
    in_a_fork("yield", yield_now);
    in_a_fork("spawn", || drop(spawn(|| ())));
    in_a_fork("builder", || drop(Builder::new().spawn(|| ())));
    in_a_fork("read", || drop(std::io::Read::read(&mut stream, &mut [0])));
    in_a_fork("job", || greenroom::unblock(|| ()));
    in_a_fork("file", || drop(greenroom::fs::read("/dev/null")));
    in_a_fork("wait", || drop(ThreadPoolExecutor::new(1).submit(|| 1).result()));
    in_a_fork("run", || greenroom::Runtime::new().unwrap().run(|| ()));
    in_a_fork("unharmed", || drop(lock.lock()));
    sleep(Duration::from_millis(1));
    assert!(spawn(|| true).join().unwrap());
    eprintln!("the parent goes on");
}

fn fork_on_an_os_thread_without_a_hub() {
    greenroom::run(|| spawn(|| ()).join().unwrap());
    in_a_fork("sleep", || sleep(Duration::from_millis(1)));
    in_a_fork("run", || greenroom::run(|| ()));
    let event = greenroom::sync::Event::new();
    in_a_fork("event", || event.wait());
    eprintln!("the parent goes on");
}

fn return_from_a_green_thread_after_a_fork() {
    let is_child = std::rc::Rc::new(std::cell::Cell::new(false));
    let note = is_child.clone();
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        greenroom::run(|| {
            let _stays = spawn(|| sleep(Duration::from_millis(20)));
            // SAFETY: the other OS threads of this process sleep, so no lock of theirs is held.
            spawn(move || note.set(unsafe { libc::fork() } == 0)).join().unwrap();
        });
    }));
    match ended {
        Err(payload) if is_child.get() => {
            eprintln!("return: {}", message_of(&*payload));
            // SAFETY: ends the child, which has no use for destructors.
            unsafe { libc::_exit(0) }
        }
        ended => assert!(ended.is_ok() && !is_child.get()),
    }
    // SAFETY: waits for the one child there is.
    unsafe { libc::wait(std::ptr::null_mut()) };
    eprintln!("the parent goes on");
}

fn drop_a_runtime_in_a_green_thread_after_a_fork(panics: bool) {
    let owner = std::rc::Rc::new(std::cell::Cell::new(Some(greenroom::Runtime::new().unwrap())));
    let is_child = std::rc::Rc::new(std::cell::Cell::new(false));
    let (inner, note) = (owner.clone(), is_child.clone());
    drop(spawn(move || {
        // SAFETY: the other OS threads of this process sleep, so no lock of theirs is held.
        note.set(unsafe { libc::fork() } == 0);
        if note.get() {
            drop(inner.take());
            assert!(!panics, "in the child");
        }
    }));
    let told = std::panic::catch_unwind(|| sleep(Duration::from_millis(1))).err();
    if is_child.get() {
        eprintln!("drop: {}", message_of(&*told.expect("the root is told")));
        // SAFETY: ends the child, which has no use for destructors.
        unsafe { libc::_exit(0) }
    }
    // SAFETY: waits for the one child there is.
    unsafe { libc::wait(std::ptr::null_mut()) };
    drop(owner.take());
    eprintln!("the parent goes on");
}

/// reliability.md, M18: a child that drops what it has inherited takes nothing from its parent.
fn forks_beside_an_echo() {
    use std::io::{Read, Write};
    greenroom::run(|| {
        let listener = greenroom::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = greenroom::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let far = std::rc::Rc::new(far);
        let echo = far.clone();
        let echo = spawn(move || std::io::copy(&mut &*echo, &mut &*echo).unwrap());
        let mut back = [0; 4];
        near.write_all(b"ping").unwrap();
        near.read_exact(&mut back).unwrap();
        for _ in 0..100 {
            in_a_fork("drops", || {
                // All that the child has of it: the registrations are the parent's, too.
                // SAFETY: the child ends without a second drop.
                unsafe { std::ptr::drop_in_place(std::ptr::from_ref(&near).cast_mut()) };
                let _ = far.close();
            });
            near.write_all(b"ping").unwrap();
            near.read_exact(&mut back).unwrap();
            assert_eq!(&back, b"ping");
        }
        near.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(echo.join().unwrap(), 404);
        eprintln!("nothing was lost");
    });
}

fn exec_after_a_fork() {
    use std::os::unix::process::CommandExt;
    greenroom::run(|| {
        let mut command = greenroom::process::Command::new("echo");
        command.arg("fine");
        // SAFETY: the closure does nothing. With it std forks; without, it uses posix_spawn.
        unsafe { command.as_std_mut().pre_exec(|| Ok(())) };
        for _ in 0..10 {
            assert_eq!(command.output().unwrap().stdout, b"fine\n");
        }
        eprintln!("all were fine");
    });
}

// ---- the parent's side ----

struct End {
    status: ExitStatus,
    stderr: String,
}

#[track_caller]
fn end_of(case: &str) -> End {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_child_plays_the_case_it_is_told", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut pipe, &mut bytes)
            .map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the child hangs in {case:?}: {}", reader.join().unwrap().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    End { status, stderr: reader.join().unwrap().unwrap() }
}

impl End {
    /// Died by the signal, having said all these words.
    #[track_caller]
    fn assert_died(&self, signal: i32, words: &[&str]) {
        assert_eq!(self.status.signal(), Some(signal), "{}: {}", self.status, self.stderr);
        self.assert_said(words);
    }

    #[track_caller]
    fn assert_exited(&self, code: i32, words: &[&str]) {
        assert_eq!(self.status.code(), Some(code), "{}: {}", self.status, self.stderr);
        self.assert_said(words);
    }

    #[track_caller]
    fn assert_said(&self, words: &[&str]) {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
    }
}

/// Where this file has the text, as `file:line`.
fn site_of(text: &str) -> String {
    let line = include_str!("crash.rs").lines().position(|line| line.contains(text)).expect("the text") + 1;
    format!("{}:{line}:", file!())
}

#[test]
fn an_overflow_names_the_green_thread_its_spawn_site_and_the_size_of_its_stack() {
    let site = site_of(r#"Builder::new().name("deep").spawn(|| deep(0))"#);
    for case in ["deep", "deep, mprotect", "deep, second OS thread", "handler before, deep"] {
        end_of(case).assert_died(libc::SIGABRT, &["stack overflow", "\"deep\"", &site, "262144"]);
    }
}

#[test]
fn an_overflow_of_the_smallest_stack_and_of_one_without_a_name_is_reported_too() {
    let site = site_of(r#"name("deep").stack_size(1)"#);
    end_of("deep, small").assert_died(libc::SIGABRT, &["stack overflow", "\"deep\"", &site]);
    let site = site_of(r#"name("heir")"#);
    end_of("deep, heir").assert_died(libc::SIGABRT, &["stack overflow", "\"heir\"", &site]);
    let site = site_of(r#"("deep, nameless", ||"#);
    end_of("deep, nameless").assert_died(libc::SIGABRT, &["stack overflow in green thread", &site]);
}

#[test]
fn an_overflow_of_a_greenlet_or_a_generator_names_where_it_was_made() {
    let site = site_of("Greenlet::<u64>::new(deep)");
    end_of("deep, greenlet").assert_died(libc::SIGABRT, &["stack overflow in greenlet", &site]);
    let site = site_of("Generator::new(|_: &Yielder<(), ()>, ()| deep(0))");
    end_of("deep, generator").assert_died(libc::SIGABRT, &["stack overflow in generator", &site]);
}

#[test]
fn an_overflow_of_an_os_threads_own_stack_is_stds_to_report() {
    let end = end_of("deep, OS thread");
    end.assert_died(libc::SIGABRT, &["has overflowed its stack"]);
    assert!(!end.stderr.contains("greenroom:"), "{}", end.stderr);
}

#[test]
fn a_bad_address_dies_as_it_does_without_us() {
    for case in ["bad address", "bad address, root"] {
        let end = end_of(case);
        end.assert_died(libc::SIGSEGV, &[]);
        assert!(!end.stderr.contains("overflow"), "{}", end.stderr);
    }
}

/// reliability.md, L12.
#[test]
fn a_users_handler_is_called_whether_it_came_before_ours_or_after() {
    for case in ["handler before", "handler after"] {
        end_of(case).assert_exited(42, &["the user's handler"]);
    }
}

/// architecture.md: at the hub's end all get turns for at most five seconds, then what still stands is leaked by name.
#[test]
fn one_that_swallows_its_kill_for_ever_is_left_standing_after_five_seconds_and_named() {
    let end = end_of("stubborn");
    end.assert_exited(0, &["\"stubborn\"", &site_of(r#"name("stubborn").daemon(true)"#)]);
    end.assert_said(&["who waits elsewhere hears that it was killed: true"]);
    let took = end.stderr.lines().find_map(|line| line.strip_prefix("the end took ")).expect("the time");
    let took: u64 = took.trim_end_matches(" ms").parse().expect("milliseconds");
    assert!((4_900..60_000).contains(&took), "{took} ms");
}

/// reliability.md, P8.
#[test]
fn the_watchdog_reports_a_busy_one_once_by_name_and_the_idle_never() {
    let end = end_of("watchdog");
    end.assert_exited(0, &["\"busy\"", &site_of(r#"name("busy").spawn(busy)"#)]);
    assert_eq!(end.stderr.matches("greenroom:").count(), 1, "{}", end.stderr);
    let end = end_of("watchdog, idle");
    end.assert_exited(0, &[]);
    assert!(!end.stderr.contains("greenroom:"), "{}", end.stderr);
}

#[test]
fn a_panic_hook_that_parks_is_not_let_and_the_panic_is_delivered() {
    end_of("hook parks").assert_exited(0, &["the hook went on", "joined: the original"]);
}

/// reliability.md, J10.
#[test]
fn work_for_other_os_threads_is_refused_with_the_reason_when_none_can_be_started() {
    end_of("no OS thread").assert_exited(
        0,
        &[
            "refused: true no OS thread can be started",
            "unblock panicked: true",
            "unblock: no OS thread can be started",
            "look-up failed: true",
            "then: queued for the worker there is",
        ],
    );
}

#[test]
fn a_green_thread_may_exit_the_process_even_in_a_storm_of_wake_ups() {
    end_of("exit").assert_exited(23, &[]);
    end_of("exit in a storm").assert_exited(24, &[]);
}

#[test]
fn whoever_uses_it_after_a_fork_without_exec_is_told_to_call_exec() {
    let told = "greenroom cannot be used in a process that was made by fork and has not called exec";
    let uses = ["sleep", "yield", "spawn", "builder", "read", "job", "file", "wait", "run"];
    let lines: Vec<String> = uses.iter().map(|name| format!("{name}: ")).collect();
    for case in ["fork", "fork, root"] {
        let end = end_of(case);
        end.assert_exited(0, &["the parent goes on", "unharmed: nobody told anything"]);
        for line in &lines {
            let said = end.stderr.lines().find_map(|said| said.strip_prefix(line.as_str()));
            assert!(said.is_some_and(|said| said.contains(told)), "{line}{said:?} in {}", end.stderr);
        }
    }
    let lines = ["sleep: ", "run: ", "event: "].map(|line| format!("{line}{told}"));
    end_of("fork, other OS thread").assert_exited(0, &lines.each_ref().map(|line| line.as_str()));
    end_of("fork, return").assert_exited(0, &[&format!("return: {told}"), "the parent goes on"]);
    for case in ["fork, drop", "fork, drop and panic"] {
        end_of(case).assert_exited(0, &[&format!("drop: {told}"), "the parent goes on"]);
    }
}

#[test]
fn children_made_by_fork_take_nothing_from_their_parent_and_those_that_exec_are_fine() {
    end_of("fork, parent").assert_exited(0, &["nothing was lost"]);
    end_of("fork, exec").assert_exited(0, &["all were fine"]);
}
