// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One set of QEMU's named options, written once and told twice: as the argument of a command line
//! (`dgram,id=net-a,local.type=unix`) and as the message of the monitor (`{"type": "dgram", "local": {"type": …}}`).
//!
//! The monitor is strict about types, so values are JSON values from the start.

use serde_json::{Map, Value};

/// Named options in the order in which a command line shows them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// The name of the first option in the monitor; a command line leaves it out.
    subject: &'static str,
    entries: Vec<(String, Value)>,
}

impl Options {
    /// Options whose first is `subject`: `Options::new("type", "dgram")`.
    pub(crate) fn new(subject: &'static str, kind: &str) -> Options {
        Options { subject, entries: vec![(subject.to_owned(), kind.into())] }
    }

    /// Adds an option; a dot in its name is a step into an object.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.entries.push((name.to_owned(), value.into()));
    }

    /// As [`Options::add`], for building in one expression.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Options {
        self.add(name, value);
        self
    }

    /// Adds an option whose value is known only as a command line's text.
    pub(crate) fn add_text(&mut self, name: &str, text: &str) {
        let value = match text {
            "on" => Value::Bool(true),
            "off" => Value::Bool(false),
            _ => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
        };
        self.add(name, value);
    }

    /// The argument on a command line.
    pub(crate) fn to_text(&self) -> String {
        let word = |(name, value): &(String, Value)| match name {
            name if name == self.subject => plain(value),
            name => format!("{name}={}", plain(value)),
        };
        self.entries.iter().map(word).collect::<Vec<_>>().join(",")
    }

    /// The arguments of a monitor's command.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.entries {
            insert(&mut object, name, value);
        }
        Value::Object(object)
    }
}

fn insert(object: &mut Map<String, Value>, name: &str, value: &Value) {
    let Some((first, rest)) = name.split_once('.') else {
        object.insert(name.to_owned(), value.clone());
        return;
    };
    let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_command_line_and_the_monitor_are_told_the_same() {
        let mut options = Options::new("type", "stream").with("id", "net-a").with("addr.type", "unix");
        options.add("addr.path", "/tmp/a");
        options.add("server", false);
        assert_eq!(options.to_text(), "stream,id=net-a,addr.type=unix,addr.path=/tmp/a,server=off");
        let address = json!({ "type": "unix", "path": "/tmp/a" });
        assert_eq!(options.to_json(), json!({ "type": "stream", "id": "net-a", "addr": address, "server": false }));
    }

    #[test]
    fn texts_of_a_command_line_get_the_types_that_the_monitor_wants() {
        let mut options = Options::new("driver", "e1000e");
        for (name, text) in [("failover", "on"), ("rombar", "0"), ("bus", "slot0"), ("romfile", "")] {
            options.add_text(name, text);
        }
        assert_eq!(options.to_text(), "e1000e,failover=on,rombar=0,bus=slot0,romfile=");
        let expected = json!({ "driver": "e1000e", "failover": true, "rombar": 0, "bus": "slot0", "romfile": "" });
        assert_eq!(options.to_json(), expected);
    }
}
