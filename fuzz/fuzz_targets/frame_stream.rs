//! Any bytes from the pipe of a worker, cut anywhere.
#![no_main]

#[path = "../../crates/pool/tests/harness/mod.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
	harness::check_stream(bytes);
});
