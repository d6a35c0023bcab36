//! No allocation larger than the input justifies: the peak of the heap is measured while hostile files are opened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what is wrong"
)]

#[path = "support/files.rs"]
mod support;

use omega_lens::checkpoint::{CheckpointError, MemorySource, header};
use peak_alloc::PeakAlloc;
use support::safetensors;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Bytes that the heap grew by at its peak while the header of `file` was read.
fn growth(file: Vec<u8>) -> (usize, Result<usize, CheckpointError>) {
    let source = MemorySource::new("m.safetensors", file);
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let result = header::read(&source, 0).map(|header| header.entries.len());
    (HEAP.peak_usage().saturating_sub(before), result)
}

// One test, because the heap is one.
#[test]
fn the_heap_never_grows_past_what_the_file_justifies() {
    let tensor =
        |name: &str| format!(r#""{name}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"#);
    let many = |n: usize| {
        format!(
            "{{{}}}",
            (0..n).map(|n| tensor(&n.to_string())).collect::<String>().trim_end_matches(',')
        )
    };
    let claims = |length: u64| [&length.to_le_bytes()[..], b"{}"].concat();
    let metadata = format!(r#"{{"__metadata__":{{"":""{}}}}}"#, r#","":"""#.repeat(1_000_000));
    let cases = [
        ("a length of 2^40", claims(1 << 40)),
        ("a length of 100 MB", claims(100_000_000)),
        (
            "a tensor of 2^40",
            safetensors(
                r#"{"w":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#,
                &[],
            ),
        ),
        (
            "a long shape",
            safetensors(
                &format!(
                    r#"{{"w":{{"dtype":"U8","shape":[{}1],"data_offsets":[0,1]}}}}"#,
                    "1,".repeat(4_000_000)
                ),
                &[0],
            ),
        ),
        ("much metadata", safetensors(&metadata, &[])),
        ("deep nesting", safetensors(&"{\"a\":".repeat(1_000_000), &[])),
        ("as many tensors as are accepted", safetensors(&many(header::MAX_TENSORS), &[])),
        ("more tensors than are accepted", safetensors(&many(header::MAX_TENSORS + 1), &[])),
    ];
    for (what, file) in cases {
        let size = file.len();
        let (grown, result) = growth(file);
        println!("{what}: {size} bytes, heap grew by {grown}, {result:?}");
        // A listed tensor of 52 bytes becomes an entry and its listing, some 300 bytes in all.
        assert!(grown <= 8 * size + 65_536, "{what}: {size} bytes made the heap grow by {grown}");
    }
}
