//! postgres-protocol over our stream, against PostgreSQL.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use greenroom_ecosystem::postgres::Session;

use crate::crowd::{CROWD, DELAY, assert_a_timeout_ends, assert_overlap};
use crate::program::{Folder, Owner, Program, find};
use crate::support::hub;

const USER: &str = "greenroom";

/// Runs `test` with a server, if there is one on this machine.
fn with_server(test: impl FnOnce(Program)) {
    let folders = folders();
    let Some(initdb) = find("initdb", &folders, "postgresql") else { return };
    let Some(postgres) = find("postgres", &folders, "postgresql") else { return };
    hub(|| {
        let owner = Owner::not_root(&["postgres", "nobody"]);
        let folder = Folder::new("postgres", owner);
        let data = folder.path.join("data");
        let mut command = Command::new(initdb);
        command.args(["--auth=trust", "--no-sync", "--username", USER, "--pgdata"]).arg(&data);
        owner.run(command.current_dir(&folder.path).stdout(Stdio::null()));
        let made = greenroom::unblock(move || command.status().expect("initdb"));
        assert!(made.success(), "initdb: {made}");
        let describe = |port: u16| {
            let mut command = Command::new(&postgres);
            command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-k", "", "-F", "-p", &port.to_string()]);
            command
        };
        let answers = |address| Session::connect(address, USER, "postgres").is_ok();
        test(Program::start(folder, describe, answers));
    });
}

/// Where Debian has the programs of each version.
fn folders() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).collect()
}

fn connect(server: &Program) -> Session {
    Session::connect(server.address(), USER, "postgres").unwrap()
}

#[test]
fn statements_on_green_threads_wait_at_once() {
    with_server(|server| {
        assert_overlap(
            "postgres-protocol",
            |_| {},
            |i| {
                let statement = format!("select {i} * {i}, null from pg_sleep({})", DELAY.as_secs_f64());
                let rows = connect(&server).query(&statement).unwrap();
                assert_eq!(rows, [[Some((i * i).to_string()), None]]);
            },
        );
    });
}

/// The server itself counts how many wait. None of them can go on before it has counted all.
#[test]
fn the_server_sees_all_of_them_wait() {
    with_server(|server| {
        let mut own = connect(&server);
        own.query("select pg_advisory_lock(1)").unwrap();
        greenroom::scope(|scope| {
            let waiters: Vec<_> = (0..CROWD)
                .map(|i| {
                    let mut session = connect(&server);
                    scope.spawn(move || session.query(&format!("select pg_advisory_lock_shared(1), {i}")))
                })
                .collect();
            let count = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
            while own.query(count).unwrap() != [[Some(CROWD.to_string())]] {
                greenroom::sleep(Duration::from_millis(5));
            }
            own.query("select pg_advisory_unlock(1)").unwrap();
            for (i, waiter) in waiters.into_iter().enumerate() {
                assert_eq!(waiter.join().unwrap().unwrap(), [[Some(String::new()), Some(i.to_string())]]);
            }
        });
    });
}

#[test]
fn an_error_of_the_server_costs_one_statement() {
    with_server(|server| {
        let mut session = connect(&server);
        let error = session.query("select 1 / 0").unwrap_err();
        assert_eq!(error.to_string(), "division by zero");
        assert_eq!(session.query("select 1").unwrap(), [[Some("1".to_owned())]]);
        let error = Session::connect(server.address(), "nobody at all", "postgres").unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    });
}

#[test]
fn a_timeout_ends_a_wait() {
    with_server(|server| {
        let mut session = connect(&server);
        let error = assert_a_timeout_ends(|| session.query("select pg_sleep(20)").unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    });
}
