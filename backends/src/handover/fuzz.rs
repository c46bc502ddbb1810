// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Entry points for fuzzing: any bytes, no I/O.
//!
//! Each takes what a stranger could hand over, and has a switch judge it. It must return, whatever the bytes; a panic is a find, and
//! so is a port that comes by halves.

use super::format::{Document, from_text, whole};
use dataplane::Instant;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use switch::{Control, MacPolicy, Missing, Mode, NamespaceSpec, PortSpec, Request, Role, VhostUser};

/// A document with all that a port can take along, which [`destination`] takes.
pub(super) const GOLDEN: &str = include_str!("golden.json");

/// Elements that an array is made to have at most: more than any may have.
const ELEMENTS_MAX: usize = 200;

/// Any bytes for a document.
pub fn text(data: &[u8]) {
    take(&String::from_utf8_lossy(data));
}

/// A good document with something else in some places, and whole. Each change takes a byte for its place, one for its kind, and
/// what it needs.
pub fn document(data: &[u8]) {
    let mut body = good();
    let mut bytes = data.iter().copied();
    while let Some(at) = bytes.next() {
        let all = places(&body);
        // There are more places than a byte counts.
        let at = usize::from(at) | usize::from(bytes.next().unwrap_or_default()) << 8;
        let pointer = &all[at % all.len()];
        let other = body.pointer(&all[at.rotate_left(3) % all.len()]).cloned().unwrap_or_default();
        if let Some(place) = body.pointer_mut(pointer) {
            change(place, other, &mut bytes);
        }
    }
    if let Some(text) = whole(body) {
        take(&text);
    }
}

fn take(text: &str) {
    if let Ok(document) = from_text(text) {
        land(&document);
    }
}

/// What a good document has to say.
fn good() -> Value {
    let whole: Value = serde_json::from_str(GOLDEN).unwrap_or_default();
    whole.get("move").cloned().unwrap_or_default()
}

fn change(place: &mut Value, other: Value, bytes: &mut impl Iterator<Item = u8>) {
    let (kind, length) = (bytes.next().unwrap_or_default(), usize::from(bytes.next().unwrap_or_default()));
    match (kind % 8, &mut *place) {
        (0, _) => *place = json!(null),
        (1, _) => *place = other,
        (2, _) => *place = json!(bytes.take(length % 9).fold(0, |number: u64, byte| number << 8 | u64::from(byte))),
        (3, _) => *place = json!(String::from_utf8_lossy(&bytes.take(length % 64).collect::<Vec<_>>())),
        (4, Value::Array(items)) => *items = items.iter().cycle().take(length.min(ELEMENTS_MAX)).cloned().collect(),
        (4, Value::Object(members)) => drop(members.insert(format!("p{length}.example."), other)),
        (5, Value::Object(members)) => members.retain(|key, _| key.len() % 8 != length % 8),
        (5, Value::String(text)) => text.truncate(text.floor_char_boundary(length)),
        (6, Value::String(text)) => *text = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect(),
        (7, Value::String(text)) => overwrite(text, length, bytes),
        _ => *place = json!({ "": [other] }),
    }
}

/// Puts other digits into what may be hexadecimal.
fn overwrite(text: &mut String, from: usize, bytes: &mut impl Iterator<Item = u8>) {
    let digits: String = bytes.take(4).map(|byte| format!("{byte:02x}")).collect();
    let from = text.floor_char_boundary(from.saturating_mul(2) % (text.len() + 1));
    let end = text.floor_char_boundary(from + digits.len()).max(from);
    text.replace_range(from..end, &digits);
}

/// Every place in a document, as pointers.
pub(super) fn places(value: &Value) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let deeper = below.into_iter().flat_map(|(key, value)| {
        places(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
    });
    std::iter::once(String::new()).chain(deeper).collect()
}

/// A switch that has what the port's namespace lies in, and neither that nor anything else.
pub(super) fn bare() -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    if let Ok(red) = "red".parse() {
        let taken = control.handle_request(Request::NamespaceAdd(red, NamespaceSpec::default()));
        assert!(taken.is_ok(), "a new switch takes it");
    }
    while control.poll_action().is_some() {}
    control
}

/// A switch to which the port may come.
pub(super) fn destination() -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    let (red, dev, up) = ("red".parse(), "red/dev".parse::<switch::NamespacePath>(), "up".parse());
    if let (Ok(red), Ok(dev), Ok(up)) = (red, dev, up) {
        let socket = VhostUser { path: "/run/up.sock".to_owned(), mode: Mode::Client };
        let uplink = PortSpec { role: Role::Uplink, macs: MacPolicy::Any, ..PortSpec::new(&up, dev.clone(), socket) };
        let wanted = [red, dev].map(|path| Request::NamespaceAdd(path, NamespaceSpec::default()));
        for request in wanted.into_iter().chain([Request::PortAdd(up, uplink)]) {
            assert!(control.handle_request(request).is_ok(), "a new switch takes it");
        }
    }
    while control.poll_action().is_some() {}
    control
}

/// Lets a port come to where its namespace is, and to where it is made. There it does, or leaves no trace. Whether it came to either.
pub(super) fn land(document: &Document) -> bool {
    land_in(destination(), document, Missing::Refused) | land_in(bare(), document, Missing::Made)
}

/// The same in this switch.
fn land_in(mut control: Control, document: &Document, missing: Missing) -> bool {
    let before = (control.desired().clone(), control.offered().clone(), control.numbers());
    let landed = control.import_port(&document.moved, missing);
    match landed {
        Ok(_) => {
            control.import_learnt(&document.moved, Duration::from_secs(1), Instant::from_nanos(5_000_000_000));
            assert!(control.desired().port(&document.moved.port).is_ok());
        }
        Err(_) => {
            let after = (control.desired().clone(), control.offered().clone(), control.numbers());
            assert_eq!(after, before);
            assert!(control.moves().is_empty() && control.poll_action().is_none());
        }
    }
    control.handle_tick(Instant::from_nanos(9_000_000_000));
    landed.is_ok()
}
