//! Sets `cfg(loom)` for this package alone, so that `cargo test --workspace` runs the models without a flag.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(loom)");
    // Files under test ask for it; it is a feature of greenroom's, not of this package.
    println!("cargo::rustc-check-cfg=cfg(feature, values(\"monkey\"))");
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
