//! redis over a connection of ours, against redis-server.

use std::io;
use std::net::SocketAddr;

pub(crate) use greenroom_ecosystem::redis::GreenConnection as Connection;
use redis::{Commands, ConnectionLike, RedisResult};

use crate::crowd::{CROWD, assert_a_timeout_ends, at_once};
use crate::redis_waits::{connect, with_server};

pub(crate) const NAME: &str = "redis";
pub(crate) const FOLDER: &str = "redis";

pub(crate) fn open(address: SocketAddr) -> io::Result<Connection> {
    Connection::connect(address)
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
