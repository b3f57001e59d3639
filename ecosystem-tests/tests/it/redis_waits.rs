//! redis, against redis-server: pops that wait at once, over whatever connections the program has.

use std::process::Command;
use std::time::Duration;

use redis::{Commands, ConnectionLike, RedisResult};

use crate::crowd::{CROWD, DELAY, assert_overlap};
use crate::program::{Folder, Owner, Program, find};
use crate::redis::{Connection, FOLDER, NAME, open};
use crate::streams::{run, sleep};

/// Runs `test` with a server, if there is one on this machine.
pub(crate) fn with_server(test: impl FnOnce(Program)) {
    let Some(program) = find("redis-server", &[], "redis-server") else { return };
    run(|| {
        let describe = |port: u16| {
            let mut command = Command::new(&program);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command
        };
        let answers = |address| open(address).is_ok_and(|mut connection| connection.check_connection());
        test(Program::start(Folder::new(FOLDER, Owner::OURSELVES), describe, answers));
    });
}

pub(crate) fn connect(server: &Program) -> Connection {
    open(server.address()).unwrap()
}

#[test]
fn pops_wait_at_once() {
    with_server(|server| {
        assert_overlap(
            NAME,
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
                sleep(Duration::from_millis(5));
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
