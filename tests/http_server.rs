//! The example HTTP server, met as clients meet it: the good, the slow, the broken and the hostile.

#[path = "http_server/client.rs"]
mod client;
#[path = "http_server/hostile.rs"]
mod hostile;
#[path = "http_server/plain.rs"]
mod plain;
#[path = "examples/program.rs"]
#[allow(dead_code, reason = "the tests of the examples use the rest")]
mod program;
#[path = "http_server/slow.rs"]
mod slow;
#[path = "http_server/tls.rs"]
mod tls;
