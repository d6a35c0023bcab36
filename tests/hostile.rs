//! Hostile input: every way a header can lie gets its own clear error, and nothing panics.

use crate::support::files as support;

use omega_lens::checkpoint::{Checkpoint, CheckpointError, HeaderError, MemorySource};
use support::{good, open_bytes, safetensors};

/// The header error that `bytes` earn under the name `m.safetensors`.
fn header_error(bytes: Vec<u8>) -> HeaderError {
    match open_bytes(bytes) {
        Err(CheckpointError::Header { file, error }) => {
            assert_eq!(file, "m.safetensors");
            error
        }
        other => panic!("expected a header error, got {other:?}"),
    }
}

fn listed(shape: &str, offsets: &str, data: usize) -> Vec<u8> {
    safetensors(
        &format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#),
        &vec![0; data],
    )
}

fn length_only(length: u64) -> Vec<u8> {
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(b"{}");
    bytes
}

#[test]
fn a_file_cut_at_any_byte_is_refused_and_says_so() {
    let whole = good();
    assert!(open_bytes(whole.clone()).is_ok());
    for end in 0..whole.len() {
        let error = header_error(whole[..end].to_vec());
        let expected = match end {
            0..8 => matches!(error, HeaderError::TooShort { .. }),
            _ => matches!(error, HeaderError::BeyondFile { .. } | HeaderError::OutOfRange { .. }),
        };
        assert!(expected, "cut at {end}: {error}");
    }
}

#[test]
fn header_lengths_that_lie_are_named() {
    assert_eq!(header_error(length_only(0)), HeaderError::Empty);
    assert!(
        matches!(header_error(length_only(1 << 63)), HeaderError::TooLong { length, .. } if length == 1 << 63)
    );
    assert!(matches!(header_error(length_only(u64::MAX)), HeaderError::TooLong { .. }));
    assert!(matches!(header_error(length_only(1 << 40)), HeaderError::TooLong { .. }));
    assert_eq!(header_error(length_only(3)), HeaderError::BeyondFile { length: 3, size: 10 });
}

#[test]
fn text_that_is_no_header_is_named() {
    for json in [
        "not json",
        "[]",
        "\"w\"",
        "{",
        "{\"w\":",
        "{\"w\":3}",
        "{\"w\":{}}",
        "{} {}",
        "{\"w\":{\"dtype\":\"F32\"}}",
    ] {
        assert!(
            matches!(header_error(safetensors(json, &[])), HeaderError::Malformed { .. }),
            "{json}"
        );
    }
    assert!(matches!(header_error(listed("3", "[0,12]", 12)), HeaderError::Malformed { .. }));
    assert!(matches!(header_error(listed("[\"3\"]", "[0,12]", 12)), HeaderError::Malformed { .. }));
    assert!(matches!(header_error(listed("[3]", "[0,12,12]", 12)), HeaderError::Malformed { .. }));

    let mut not_text = safetensors("{\"w\":0}", &[]);
    not_text[10] = 0xFF;
    assert_eq!(header_error(not_text), HeaderError::NotUtf8 { at: 2 });
}

#[test]
fn nesting_is_refused_before_it_can_exhaust_the_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"w\":{}0{}}}", open.repeat(200_000), close.repeat(200_000));
        assert!(matches!(header_error(safetensors(&deep, &[])), HeaderError::TooDeep { .. }));
    }
    let in_a_name =
        format!(r#"{{"{}":{{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}}"#, "[".repeat(1000));
    assert!(open_bytes(safetensors(&in_a_name, &[0; 4])).is_ok());
}

#[test]
fn duplicate_names_are_named() {
    let one = r#""w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;
    let error = header_error(safetensors(&format!("{{{one},{one}}}"), &[]));
    assert_eq!(error, HeaderError::Duplicate { name: "\"w\"".into() });
    // The same name, once spelt with an escape.
    let escaped = one.replacen('w', "\\u0077", 1);
    assert!(matches!(
        header_error(safetensors(&format!("{{{one},{escaped}}}"), &[])),
        HeaderError::Duplicate { .. }
    ));
}

#[test]
fn offsets_that_lie_are_named() {
    assert!(matches!(
        header_error(listed("[1]", "[4,0]", 4)),
        HeaderError::Backwards { start: 4, end: 0, .. }
    ));
    assert!(matches!(header_error(listed("[2]", "[0,8]", 4)), HeaderError::OutOfRange { .. }));
    let far = format!("[{},{}]", u64::MAX - 4, u64::MAX);
    assert!(matches!(header_error(listed("[1]", &far, 4)), HeaderError::OutOfRange { .. }));
    let two = |first: &str, second: &str| {
        let tensor = |name: &str, at: &str| {
            format!(r#""{name}":{{"dtype":"U8","shape":[4],"data_offsets":{at}}}"#)
        };
        header_error(safetensors(
            &format!("{{{},{}}}", tensor("a", first), tensor("b", second)),
            &[0; 8],
        ))
    };
    assert!(matches!(two("[0,4]", "[2,6]"), HeaderError::Overlap { .. }));
    assert!(matches!(two("[0,4]", "[0,4]"), HeaderError::Overlap { .. }));
    assert!(matches!(header_error(listed("[1]", "[4,8]", 8)), HeaderError::Hole { .. }));
    assert!(matches!(header_error(listed("[1]", "[0,4]", 5)), HeaderError::Hole { .. }));
}

#[test]
fn shapes_that_lie_are_named() {
    let huge = format!("[{},{}]", 1u64 << 32, 1u64 << 32);
    assert!(matches!(header_error(listed(&huge, "[0,4]", 4)), HeaderError::ShapeOverflow { .. }));
    assert!(matches!(
        header_error(listed("[18446744073709551615]", "[0,4]", 4)),
        HeaderError::ShapeOverflow { .. }
    ));
    assert!(matches!(
        header_error(listed("[3]", "[0,4]", 4)),
        HeaderError::LengthMismatch { needs: 96, holds: 4, .. }
    ));
    assert!(matches!(header_error(listed("[0]", "[0,4]", 4)), HeaderError::LengthMismatch { .. }));
    let long = format!("[{}1]", "1,".repeat(1_000_000));
    let error = header_error(listed(&long, "[0,4]", 4));
    assert!(error.to_string().contains("more than 64 dimensions"), "{error}");
}

#[test]
fn numbers_below_zero_or_past_the_machine_are_named() {
    assert!(matches!(
        header_error(listed("[-1]", "[0,4]", 4)),
        HeaderError::Negative { field: "shape", value: -1, .. }
    ));
    assert!(matches!(
        header_error(listed("[1]", "[-4,0]", 4)),
        HeaderError::Negative { field: "data_offsets", .. }
    ));
    for number in ["1.5", "1e300", "18446744073709551616", "-1e30"] {
        let error = header_error(listed(&format!("[{number}]"), "[0,4]", 4));
        assert!(
            matches!(error, HeaderError::BadNumber { field: "shape", .. }),
            "{number}: {error}"
        );
    }
}

#[test]
fn unknown_dtypes_are_named() {
    let json = r#"{"w":{"dtype":"Q4_K","shape":[1],"data_offsets":[0,4]}}"#;
    assert!(matches!(header_error(safetensors(json, &[0; 4])), HeaderError::UnknownDtype { .. }));
}

#[test]
fn a_million_tensors_are_refused_quickly() {
    let mut json = String::from("{");
    for n in 0..1_000_000 {
        json.push_str(&format!(r#""{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"#));
    }
    json.pop();
    json.push('}');
    assert!(matches!(header_error(safetensors(&json, &[])), HeaderError::TooMany { .. }));
}

#[test]
fn a_hostile_name_cannot_flood_or_steer_the_terminal() {
    let name = format!("\\u001b[2J{}", "x".repeat(1_000_000));
    let json = format!(r#"{{"{name}":{{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}}}"#);
    let message = header_error(safetensors(&json, &[0; 4])).to_string();
    assert!(message.len() < 500 && !message.contains('\u{1b}'), "{message}");
}

#[test]
fn metadata_and_padding_are_accepted_and_tensors_come_in_any_order() {
    let json = concat!(
        r#"{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"__metadata__":{"format":"pt"},"#,
        r#""a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}      "#
    );
    let checkpoint = open_bytes(safetensors(json, &[0, 0, 128, 63, 0, 0, 0, 64])).unwrap();
    let names: Vec<_> = checkpoint.entries().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(checkpoint.read("a").unwrap().f64s().unwrap(), [1.0]);
    assert_eq!(checkpoint.read("b").unwrap().f64s().unwrap(), [2.0]);
}

#[test]
fn weights_that_are_not_finite_are_located_and_the_rest_still_reads() {
    let values = [1.0f32, 2.0, f32::NAN, f32::NEG_INFINITY];
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let checkpoint =
        open_bytes(listed("[2,2]", "[0,16]", 0).into_iter().chain(data).collect()).unwrap();
    let found = checkpoint.read("w").unwrap().non_finite().unwrap().unwrap();
    assert_eq!((found.count, found.first), (2, 2));
    let first_row = checkpoint.read_rows("w", 0..1).unwrap();
    assert_eq!(
        (first_row.non_finite().unwrap(), first_row.f64s().unwrap()),
        (None, vec![1.0, 2.0])
    );
}

#[test]
fn a_bad_file_does_not_touch_a_good_one() {
    let good = open_bytes(good()).unwrap();
    assert!(open_bytes(vec![1, 2, 3]).is_err());
    assert_eq!(good.read("a").unwrap().f64s().unwrap().len(), 6);
    assert!(matches!(good.read("zzz"), Err(CheckpointError::NoTensor { .. })));
    assert!(matches!(good.read_rows("a", 1..9), Err(CheckpointError::Rows { rows: 2, .. })));
}

#[test]
fn an_empty_drop_says_so() {
    assert!(matches!(Checkpoint::open(vec![]), Err(CheckpointError::NoFiles)));
    let readme = MemorySource::new("README.md", b"hello".to_vec());
    assert!(matches!(
        Checkpoint::open(vec![Box::new(readme)]),
        Err(CheckpointError::NoCheckpoint { .. })
    ));
}
