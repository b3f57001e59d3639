//! The rivals in other languages: programs in `peers/`, built and found where their languages are installed.
//!
//! Each measurement is a process of its own, as `CASE N [THREADS]`, which warms up and prints one line of JSON.

use crate::{child, contest::Peer};
use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

/// The rivals; all of them know the cases of [`timed`].
pub(crate) const NAMES: [&str; 2] = ["go", "gevent"];

/// How many coroutines a rival is asked to hold: gevent's would take as long as all others together.
const MOST: [(&str, u64); 2] = [("go", 1_000_000), ("gevent", 10_000)];

/// Of those that are installed, what belongs to a case: nothing where they do not know it.
pub(crate) fn peers(case: &'static str) -> io::Result<Vec<Peer>> {
    let of_a_case: fn(&'static str, &'static str) -> Option<Peer> = match case {
        "yield2" | "yield1000" | "spawn_join" | "spawn_10k" | "queue_pingpong" | "queue_stream"
        | "lock_uncontended" | "lock_contended8" | "timer_cancel" => timed,
        "timer_fire" => |rival, _| fired(rival, 100_000),
        "timer_fire_1000" => |rival, _| fired(rival, 1_000),
        _ => return Ok(Vec::new()),
    };
    let mut peers = Vec::new();
    for rival in NAMES {
        if command(rival)?.is_some() {
            peers.extend(of_a_case(rival, case));
        }
    }
    Ok(peers)
}

fn timed(rival: &'static str, case: &'static str) -> Option<Peer> {
    let mut operations = None;
    Some(Peer::new(rival, move |slice: Duration| {
        let fit = |ns: f64| ((slice.as_nanos() as f64 / ns / GRAIN as f64).ceil() as u64).max(1) * GRAIN;
        let operations = match operations {
            Some(operations) => operations,
            None => *operations.insert(fit(ask(rival, case, &[GRAIN])?.number("ns_per_op")?)),
        };
        Ok(vec![("", ask(rival, case, &[operations])?.number("ns_per_op")?)])
    }))
}

/// Every size of a group that a case uses divides it.
const GRAIN: u64 = 10_000;

fn fired(rival: &'static str, sleepers: u64) -> Option<Peer> {
    can_hold(rival, sleepers).then(|| {
        Peer::new(rival, move |_| Ok(vec![("", ask(rival, "timer_fire", &[sleepers])?.number("ns_per_op")?)]))
    })
}

pub(crate) fn can_hold(rival: &str, coroutines: u64) -> bool {
    MOST.iter().all(|(name, most)| *name != rival || coroutines <= *most)
}

/// Measures once.
pub(crate) fn ask(rival: &str, case: &str, numbers: &[u64]) -> io::Result<child::Answer> {
    let missing = || io::Error::other(format!("{rival} is not installed"));
    let mut command = command(rival)?.ok_or_else(missing)?;
    command.arg(case).args(numbers.iter().map(u64::to_string)).env("BENCH_REPS", "1");
    child::ask(&mut command)
}

/// How to start the rival, which then wants its arguments; `None`, said once in a line, where it is not to be had.
pub(crate) fn command(rival: &str) -> io::Result<Option<Command>> {
    static GO: OnceLock<Option<PathBuf>> = OnceLock::new();
    static GEVENT: OnceLock<bool> = OnceLock::new();
    match rival {
        "go" => Ok(GO.get_or_init(build_go).as_ref().map(|program| {
            let mut command = Command::new(program);
            command.env("GOMAXPROCS", "1");
            command
        })),
        "gevent" => Ok(GEVENT.get_or_init(has_gevent).then(|| {
            let mut command = Command::new("python3");
            command.arg(sources().join("gevent/peer.py"));
            command
        })),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("unknown rival {rival}"))),
    }
}

/// Beside this program, so that nothing lands among the sources.
/// Such as `go 1.27.3 (GOMAXPROCS=1)`, for those that are there.
pub(crate) fn versions() -> io::Result<Vec<String>> {
    let said = |program: &str, args: &[&str]| -> io::Result<String> {
        Ok(String::from_utf8_lossy(&Command::new(program).args(args).output()?.stdout).trim().to_owned())
    };
    let mut versions = Vec::new();
    if command("go")?.is_some() {
        let version = said("go", &["env", "GOVERSION"])?;
        versions.push(format!("go {} (GOMAXPROCS=1)", version.trim_start_matches("go")));
    }
    if command("gevent")?.is_some() {
        let version = said(
            "python3",
            &["-c", "import gevent, platform; print(gevent.__version__, platform.python_version())"],
        )?;
        versions.push(format!("gevent {}", version.replace(' ', " on Python ")));
    }
    Ok(versions)
}

/// Beside this program, so that nothing lands among the sources.
fn build_go() -> Option<PathBuf> {
    let folder = env::current_exe().ok()?.parent()?.to_owned();
    let program = folder.join("greenroom-bench-go");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(".").current_dir(sources().join("go"));
    // By the toolchain that is there: none is fetched.
    let built = build.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-buildvcs=false").status();
    match built {
        Ok(status) if status.success() => Some(program),
        Ok(_) => skip("go: does not build, skipped"),
        Err(_) => skip("go: not installed, skipped"),
    }
}

fn has_gevent() -> bool {
    let mut import = Command::new("python3");
    import.args(["-c", "import gevent"]).stdout(Stdio::null()).stderr(Stdio::null());
    let found = import.status().is_ok_and(|status| status.success());
    if !found {
        println!("gevent: not installed, skipped");
    }
    found
}

fn skip<T>(line: &str) -> Option<T> {
    println!("{line}");
    None
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
