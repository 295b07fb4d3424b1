//! Makes cargo embed the web client again when it was rebuilt.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
