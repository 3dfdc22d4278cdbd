//! Compiles the C and C++ sources for the target.

fn main() {
    cc::Build::new().file("c/answer.c").warnings_into_errors(true).compile("answer");
    cc::Build::new().cpp(true).std("c++17").file("c/text.cc").compile("text");
    println!("cargo::rerun-if-changed=c");
}
