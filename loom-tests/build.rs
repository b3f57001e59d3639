//! Sets `cfg(loom)` for this package alone, so that `cargo test --workspace` runs the models without a flag.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
