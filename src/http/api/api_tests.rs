use std::collections::BTreeSet;

use super::*;

#[test]
fn every_operation_is_in_the_document_under_a_name_of_its_own() {
    let document = openapi();
    let all = operations();
    let ids: BTreeSet<_> = all.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), all.len());
    for operation in &all {
        let path = format!("{ROOT}{}", operation.path);
        let told = &document["paths"][&path][operation.method];
        assert_eq!(told["operationId"], operation.id, "{path}");
        let named = told["parameters"].as_array().unwrap();
        let in_path = named.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, operation.path.matches('{').count(), "{path}");
        for parameter in named {
            assert!(parameter["description"].is_string(), "{path} {parameter}");
        }
    }
    let count: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(count, all.len());
}

#[test]
fn the_document_names_nothing_that_it_does_not_have() {
    let document = openapi();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    assert!(!text.contains("$defs"), "{text}");
}
