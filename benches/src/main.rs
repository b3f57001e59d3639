//! The bench: greenroom beside its rivals, all in one run, as ratios.
//!
//! `cargo run --release -p greenroom-bench -- [CASE…] [--rounds N] [--quick] [--json FILE]`

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    greenroom_bench::comparison::run(std::env::args().skip(1))
}
