//! Mailjob.
fn main() {}
