//! mysql, which opens std's sockets itself and has no place for others, against MariaDB.

use std::process::{Command, Stdio};

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

use crate::crowd::{CROWD, DELAY, assert_a_timeout_ends, assert_overlap};
use crate::patched;
use crate::program::{Folder, Owner, Program, find};

/// Runs `test` with a server, if there is one on this machine.
fn with_server(test: impl FnOnce(Program)) {
    let folders = ["/usr/sbin".into()];
    let Some(install) = find("mariadb-install-db", &folders, "mariadb-server") else { return };
    let Some(mariadbd) = find("mariadbd", &folders, "mariadb-server") else { return };
    patched(|| {
        let owner = Owner::not_root(&["mysql", "nobody"]);
        let folder = Folder::new("monkey-mariadb", owner);
        let data = folder.path.join("data");
        let mut command = Command::new(install);
        let datadir = format!("--datadir={}", data.display());
        command.args([
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            &datadir,
        ]);
        owner.run(command.current_dir(&folder.path).stdout(Stdio::null()).stderr(Stdio::null()));
        let made = greenroom::unblock(move || command.status().expect("mariadb-install-db"));
        assert!(made.success() && data.exists(), "mariadb-install-db: {made}");
        let socket = folder.path.join("socket");
        let describe = |port: u16| {
            let mut command = Command::new(&mariadbd);
            command.args([
                "--no-defaults",
                "--skip-grant-tables",
                "--skip-name-resolve",
                "--innodb-buffer-pool-size=8M",
            ]);
            command.args(["--skip-networking=0", "--bind-address=127.0.0.1", &format!("--port={port}")]);
            command.arg(&datadir).arg("--socket").arg(&socket);
            command
        };
        test(Program::start(folder, describe, |address| open(address).is_ok()).ended_by("TERM"));
    });
}

fn open(address: std::net::SocketAddr) -> mysql::Result<Conn> {
    let options = OptsBuilder::new().ip_or_hostname(Some(address.ip().to_string())).tcp_port(address.port());
    Conn::new(options.user(Some("root")).prefer_socket(false))
}

#[test]
fn statements_wait_at_once() {
    with_server(|server| {
        assert_overlap(
            "mysql",
            |_| {},
            |i| {
                let mut connection = open(server.address()).unwrap();
                let statement = format!("select {i} * {i}, sleep({})", DELAY.as_secs_f64());
                assert_eq!(connection.query_first(statement).unwrap(), Some((i * i, 0)));
            },
        );
    });
}

/// The server itself counts how many wait.
#[test]
fn the_server_sees_all_of_them_wait() {
    with_server(|server| {
        let mut own = open(server.address()).unwrap();
        assert_eq!(own.query_first("select get_lock('all', 0)").unwrap(), Some(1));
        greenroom::scope(|scope| {
            let waiters: Vec<_> = (0..CROWD)
                .map(|_| {
                    let mut connection = open(server.address()).unwrap();
                    scope.spawn(move || {
                        let got = connection.query_first("select get_lock('all', 20)").unwrap();
                        let let_go = connection.query_first("select release_lock('all')").unwrap();
                        (got, let_go)
                    })
                })
                .collect();
            let waiting = "select count(*) from information_schema.processlist where state = 'User lock'";
            while own.query_first(waiting).unwrap() != Some(CROWD) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            assert_eq!(own.query_first("select release_lock('all')").unwrap(), Some(1));
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), (Some(1), Some(1)));
            }
        });
    });
}

#[test]
fn a_timeout_ends_a_statement() {
    with_server(|server| {
        let mut connection = open(server.address()).unwrap();
        let error = assert_a_timeout_ends(|| connection.query_drop("select sleep(30)").unwrap_err());
        assert!(error.to_string().contains("timed out") || error.to_string().contains("110"), "{error}");
    });
}
