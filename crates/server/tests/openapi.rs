//! The OpenAPI document in the repository is the one the server serves.

use std::path::Path;

#[test]
fn the_checked_in_document_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/riffle.json");
    let current = server::openapi();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &current).expect("the document can be written");
    }
    let kept = std::fs::read_to_string(&file).expect("openapi/riffle.json exists");
    assert!(
        kept == current,
        "the API changed: run `UPDATE_OPENAPI=1 cargo test -p server --test openapi` and review the difference"
    );
}

#[test]
fn every_operation_has_a_summary_and_an_answer() {
    let document: serde_json::Value = serde_json::from_str(&server::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() >= 20, "{} paths", paths.len());
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let answers = operation["responses"].as_object().expect("responses");
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{method} {path} never succeeds"
            );
        }
    }
}
