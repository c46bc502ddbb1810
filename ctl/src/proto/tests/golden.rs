// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every reply and every error as a checked-in document: scripts rely on them, so a change must be seen and meant.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::render::json::document;
use crate::testing::samples;

/// Compares with `golden/NAME.json`; `WEFT_GOLDEN=write` writes it instead.
fn hold(name: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let text = document(value, true).unwrap();
    if std::env::var_os("WEFT_GOLDEN").is_some_and(|how| how == "write") {
        std::fs::write(&path, &text).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(held, text, "{} differs; WEFT_GOLDEN=write makes it anew if that is meant", path.display());
}

#[test]
fn replies_are_the_checked_in_documents() {
    for exchange in samples::exchanges() {
        let name = exchange.method.rsplit('.').next().unwrap();
        hold(name, &json!({ "method": exchange.method, "parameters": exchange.parameters, "reply": exchange.reply }));
    }
}

#[test]
fn errors_are_the_checked_in_documents() {
    let errors: Vec<Value> = samples::errors().iter().map(|error| serde_json::to_value(error).unwrap()).collect();
    hold("errors", &Value::Array(errors));
}
