//! redis over a connection of ours, against redis-server.

use std::process::Command;
use std::time::Duration;

use greenroom_ecosystem::redis::GreenConnection;
use redis::{Commands, ConnectionLike, RedisResult};

use crate::crowd::{CROWD, DELAY, assert_a_timeout_ends, assert_overlap, at_once};
use crate::program::{Folder, Owner, Program, find};
use crate::support::hub;

/// Runs `test` with a server, if there is one on this machine.
fn with_server(test: impl FnOnce(Program)) {
    let Some(program) = find("redis-server", &[], "redis-server") else { return };
    hub(|| {
        let describe = |port: u16| {
            let mut command = Command::new(&program);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command
        };
        let answers = |address| GreenConnection::connect(address).is_ok_and(|mut c| c.check_connection());
        test(Program::start(Folder::new("redis", Owner::OURSELVES), describe, answers));
    });
}

fn connect(server: &Program) -> GreenConnection {
    GreenConnection::connect(server.address()).unwrap()
}

#[test]
fn commands_on_green_threads_wait_at_once() {
    with_server(|server| {
        assert_overlap(
            "redis",
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
                greenroom::sleep(Duration::from_millis(5));
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
fn pipelines_and_transactions_work_beside_each_other() {
    with_server(|server| {
        at_once(CROWD, |i| {
            let mut connection = connect(&server);
            let mut pipeline = redis::pipe();
            for n in 0..100 {
                pipeline.rpush(format!("list {i}"), n).ignore();
            }
            let list: (Vec<usize>,) =
                pipeline.lrange(format!("list {i}"), 0, -1).query(&mut connection).unwrap();
            assert_eq!(list.0, Vec::from_iter(0..100));
            let () = redis::pipe().atomic().incr("total", 1).incr("total", 1).query(&mut connection).unwrap();
        });
        let mut connection = connect(&server);
        assert_eq!(connection.get::<_, usize>("total").unwrap(), 2 * CROWD);
        let refused: RedisResult<usize> = connection.incr("list 0", 1);
        assert!(refused.unwrap_err().to_string().contains("WRONGTYPE"));
        assert!(connection.check_connection(), "an error of the server's is no error of the connection");
    });
}

#[test]
fn a_timeout_ends_a_wait_and_gives_the_connection_up() {
    with_server(|server| {
        let mut connection = connect(&server);
        let error = assert_a_timeout_ends(|| connection.blpop::<_, String>("nothing", 0.0).unwrap_err());
        assert!(error.is_io_error(), "{error}");
        assert!(!connection.is_open(), "the answer may still come: it would be taken for the next one");
        assert!(connection.get::<_, Option<String>>("nothing").is_err());
    });
}
