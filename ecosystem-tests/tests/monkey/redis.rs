//! redis with its own connections, against redis-server.

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use redis::Connection;
use redis::{Client, Commands, RedisResult};

use crate::crowd::assert_a_timeout_ends;
use crate::redis_waits::{connect, with_server};

pub(crate) const NAME: &str = "redis's own connections, BLPOP";
pub(crate) const FOLDER: &str = "monkey-redis";

pub(crate) fn open(address: SocketAddr) -> RedisResult<Connection> {
    Client::open(format!("redis://{address}/"))?.get_connection()
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
