// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a control client says of a PvD, as the operator's word on a static one.
//!
//! What a client of pvdd sets is what an operator says with `weft pvd set`. Attributes that pvdd would only keep for other
//! clients are refused, and so is `extraInfo`: weft says nothing of a PvD that it does not know itself.

use serde_json::Value;
use switch::{FactList, Statement};

/// Attributes that follow from what a PvD is, and are nobody's to set.
const FIXED: [&str; 10] =
    ["name", "id", "implicit", "static", "lla", "dev", "aFlag", "routers", "addresses", "extraInfo"];

/// Says an attribute anew; `None`: as if it had never been said.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn set(statement: &mut Statement, key: &str, value: Option<&Value>) -> Result<(), String> {
    let number = |most: u64| match value {
        None => Ok(0),
        Some(Value::Bool(flag)) => Ok(u64::from(*flag)),
        Some(value) => value.as_u64().filter(|n| *n <= most).ok_or_else(|| format!("{key} is a number up to {most}")),
    };
    let list = |list: FactList, statement: &mut Statement| {
        let items = items(key, value)?;
        list.set(statement, &items).map_err(|why| why.to_string())
    };
    match key {
        "hFlag" => statement.flags.http = number(1)? > 0,
        "lFlag" => statement.flags.legacy = number(1)? > 0,
        "sequenceNumber" => statement.flags.sequence = number(u16::MAX.into())? as u16,
        "delay" => statement.flags.delay = number(15)? as u8,
        "mtu" => statement.parameters.mtu = number(u32::MAX.into())? as u32,
        "prefixes" => list(FactList::Prefixes, statement)?,
        "routes" => list(FactList::Routes, statement)?,
        "rdnss" => list(FactList::Rdnss, statement)?,
        "dnssl" => list(FactList::Dnssl, statement)?,
        "pref64" => list(FactList::Pref64, statement)?,
        _ if FIXED.contains(&key) => return Err(format!("{key} follows from the PvD and is not set")),
        _ => return Err(format!("weft keeps no attribute {key:?}")),
    }
    Ok(())
}

/// A list of texts, or of objects with a `dst`, or an object whose keys are the items: as attributes are told.
fn items(key: &str, value: Option<&Value>) -> Result<Vec<String>, String> {
    let wrong = || format!("{key} is a list of texts");
    let text = |item: &Value| item["dst"].as_str().or(item.as_str()).map(str::to_owned).ok_or_else(wrong);
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(Value::Object(items)) => Ok(items.keys().cloned().collect()),
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told_can_be_said() {
        let mut statement = Statement::default();
        for (key, value) in [
            ("hFlag", json!(1)),
            ("lFlag", json!(true)),
            ("sequenceNumber", json!(7)),
            ("prefixes", json!({ "2001:db8:1::/64": { "prefixLen": "64" } })),
            ("routes", json!([{ "dst": "2001:db8::/32", "gateway": "fe80::1" }])),
            ("rdnss", json!(["2001:db8::53"])),
            ("dnssl", json!(["corp.example"])),
        ] {
            set(&mut statement, key, Some(&value)).unwrap();
        }
        assert!(statement.flags.http && statement.flags.legacy && statement.flags.sequence == 7);
        assert_eq!(statement.facts.len(), 4);
        ["rdnss", "dnssl", "routes", "prefixes"].iter().for_each(|key| set(&mut statement, key, None).unwrap());
        assert!(statement.facts.is_empty());
    }

    #[test]
    fn what_cannot_be_said_is_refused_in_words() {
        for (key, value) in [
            ("hFlag", json!(2)),
            ("sequenceNumber", json!(65536)),
            ("rdnss", json!("2001:db8::53")),
            ("rdnss", json!(["no address"])),
            ("lla", json!("fe80::1")),
            ("extraInfo", json!({})),
        ] {
            let mut statement = Statement::default();
            assert!(set(&mut statement, key, Some(&value)).is_err_and(|why| !why.is_empty()), "{key}");
            assert_eq!(statement, Statement::default());
        }
    }
}
