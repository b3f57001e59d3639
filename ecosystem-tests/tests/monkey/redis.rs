//! redis with its own connections, against redis-server.

use std::process::Command;
use std::time::Duration;

use redis::{Client, Commands, Connection, ConnectionLike, RedisResult};

use crate::crowd::{CROWD, DELAY, assert_a_timeout_ends, assert_overlap};
use crate::patched;
use crate::program::{Folder, Owner, Program, find};

/// Runs `test` with a server, if there is one on this machine.
fn with_server(test: impl FnOnce(Program)) {
    let Some(program) = find("redis-server", &[], "redis-server") else { return };
    patched(|| {
        let describe = |port: u16| {
            let mut command = Command::new(&program);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command
        };
        let answers = |address| open(address).is_ok_and(|mut connection| connection.check_connection());
        test(Program::start(Folder::new("monkey-redis", Owner::OURSELVES), describe, answers));
    });
}

fn open(address: std::net::SocketAddr) -> RedisResult<Connection> {
    Client::open(format!("redis://{address}/"))?.get_connection()
}

fn connect(server: &Program) -> Connection {
    open(server.address()).unwrap()
}

#[test]
fn pops_wait_at_once() {
    with_server(|server| {
        assert_overlap(
            "redis's own connections, BLPOP",
            |_| {},
            |i| {
                let mut connection = connect(&server);
                let () = connection.set(format!("key {i}"), i).unwrap();
                // Waits at the server until somebody pushes, which nobody does.
                let nobody: RedisResult<Option<(String, String)>> =
                    connection.blpop(format!("list {i}"), DELAY.as_secs_f64());
                assert_eq!(nobody.unwrap(), None);
                assert_eq!(connection.get::<_, usize>(format!("key {i}")).unwrap(), i);
            },
        );
    });
}

/// The server itself counts how many wait. None of them can go on before it has counted all.
#[test]
fn the_server_sees_all_of_them_wait() {
    with_server(|server| {
        greenroom::scope(|scope| {
            let waiters: Vec<_> = (0..CROWD)
                .map(|i| {
                    let mut connection = connect(&server);
                    scope.spawn(move || connection.blpop::<_, (String, usize)>(format!("list {i}"), 20.0))
                })
                .collect();
            let mut own = connect(&server);
            let expected = format!("blocked_clients:{CROWD}\r\n");
            while !redis::cmd("INFO").arg("clients").query::<String>(&mut own).unwrap().contains(&expected) {
                std::thread::sleep(Duration::from_millis(5));
            }
            for i in (0..CROWD).rev() {
                let () = own.rpush(format!("list {i}"), i).unwrap();
            }
            for (i, waiter) in waiters.into_iter().enumerate() {
                assert_eq!(waiter.join().unwrap().unwrap(), (format!("list {i}"), i));
            }
        });
    });
}

#[test]
fn a_timeout_and_a_cancel_end_a_wait() {
    with_server(|server| {
        let mut connection = connect(&server);
        let error = assert_a_timeout_ends(|| connection.blpop::<_, String>("nothing", 0.0).unwrap_err());
        assert!(error.is_io_error(), "{error}");

        let mut connection = connect(&server);
        let waiter = greenroom::spawn(move || connection.blpop::<_, String>("nothing", 0.0).unwrap_err());
        std::thread::sleep(Duration::from_millis(50));
        waiter.cancel();
        let error = waiter.join().unwrap();
        assert!(error.is_io_error(), "{error}");
    });
}
