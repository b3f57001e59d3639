//! The page of the docs that shows a run: `docs/benchmarks.md`, its plots, and the JSON that they are drawn from.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the JSON of the run that the page shows is kept.
pub(crate) fn json() -> PathBuf {
    root().join("docs/benchmarks.json")
}

/// Draws the plots and fills in the tables; without Python there is a line that says so, and the JSON waits.
pub(crate) fn draw(json: &Path) -> io::Result<()> {
    let script = root().join("benches/plots/draw.py");
    match Command::new("python3").arg(script).arg(json).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(io::Error::other(format!("draw.py: {status}"))),
        Err(_) => {
            println!("plots: python3 not installed, skipped");
            Ok(())
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
