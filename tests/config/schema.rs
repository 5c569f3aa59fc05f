//! What `mailjob schema` prints.

use std::{fs, process::Command};

fn printed(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_mailjob"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn the_schema_is_one_json_document() {
    let schema: serde_json::Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    assert_eq!(schema["title"], "Mailjob endpoint");
    assert_eq!(schema["properties"]["mailbox"]["required"][0], "account");
}

#[test]
fn the_reference_is_the_example() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/endpoints.d/reference.toml.example");
    assert_eq!(
        printed(&["schema", "--reference"]),
        fs::read_to_string(example).unwrap()
    );
}

#[test]
fn that_of_what_endpoints_share_is_printed_too() {
    let schema: serde_json::Value = serde_json::from_str(&printed(&["schema", "--shared"])).unwrap();
    assert_eq!(
        schema["properties"]["accounts"]["additionalProperties"]["required"][0],
        "user"
    );
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/endpoints.d/mailjob.toml.example");
    assert_eq!(
        printed(&["schema", "--shared", "--reference"]),
        fs::read_to_string(example).unwrap()
    );
}
