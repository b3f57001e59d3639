//! One case of greenroom's, measured alone: `micro CASE N`.
//!
//! `cargo run --release -p greenroom-bench --bin micro -- yield2 1000000`

use std::process::ExitCode;

fn main() -> ExitCode {
    greenroom_bench::micro::run(std::env::args().skip(1))
}
