//! A program that lists the dependency and calls `monkey::patch_all`: the link holds however it is built. A binary of its own,
//! for it takes the time of three builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MAIN: &str = r#"
use std::time::{Duration, Instant};

fn main() {
    greenroom::monkey::patch_all();
    if let Err(report) = greenroom::monkey::self_test() {
        println!("{report}");
        std::process::exit(1);
    }
    // A busy machine makes a try longer; that four sleeps take the time of four it does not make good.
    assert!((0..20).any(|_| four_sleeps() < Duration::from_millis(700)));
}

fn four_sleeps() -> Duration {
    let before = Instant::now();
    greenroom::run(|| {
        let sleeper = || greenroom::spawn(|| std::thread::sleep(Duration::from_millis(200)));
        greenroom::joinall((0..4).map(|_| sleeper()));
    });
    before.elapsed()
}

#[test]
fn the_same_holds_in_a_test() {
    main();
}
"#;

/// Writes the program next to the other things that tests build.
fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer");
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), MAIN).unwrap();
    let here = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"consumer\"\nedition = \"2024\"\n[dependencies]\n\
         greenroom = {{ path = {here:?}, features = [\"monkey\"] }}\n\
         [profile.release]\nlto = \"fat\"\ncodegen-units = 1\nopt-level = 1\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(Path::new(here).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

#[track_caller]
fn cargo(arguments: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(program()).args(arguments).arg("--offline").arg("--quiet");
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer-target"));
    let output = cargo.output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "cargo {arguments:?}: {}\n{}", output.status, told.concat());
}

#[test]
fn in_a_debug_build_in_a_test_and_in_a_release_build_with_lto() {
    cargo(&["run"]);
    cargo(&["test"]);
    cargo(&["run", "--release"]);
}
