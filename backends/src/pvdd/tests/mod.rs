// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a client of the text protocol hears, octet by octet, from a desk that the test fills.

mod dialogue;
mod hostile;
mod lines;

use super::{Desk, Dialogue, EVENTS_AT_ONCE, News, Order, PAGE, Told};
use crate::ctl_server::access::Access;
use pvd::{Cursor, EventKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use switch::Statement;

/// PvDs by name, and what has happened to them.
#[derive(Default)]
pub(super) struct Fake {
    pvds: BTreeMap<String, Value>,
    events: Vec<News>,
    /// Events up to this are forgotten.
    forgotten: u64,
    /// What was said of static PvDs.
    said: BTreeMap<String, Statement>,
}

impl Fake {
    pub(super) fn with(names: &[&str]) -> Fake {
        let mut fake = Fake::default();
        names.iter().for_each(|name| fake.put(name, json!({ "name": name, "hFlag": 0 })));
        fake
    }

    fn happen(&mut self, name: &str, kind: EventKind) {
        let seq = self.events.len() as u64 + 1;
        self.events.push(News { seq, name: name.to_owned(), kind });
    }

    pub(super) fn put(&mut self, name: &str, attributes: Value) {
        let kind = if self.pvds.contains_key(name) { EventKind::Update } else { EventKind::New };
        self.pvds.insert(name.to_owned(), attributes);
        self.happen(name, kind);
    }

    pub(super) fn take(&mut self, name: &str) {
        self.pvds.remove(name).expect("it is there");
        self.happen(name, EventKind::Delete);
    }

    fn told((name, attributes): (&String, &Value)) -> Told {
        Told { name: name.clone(), attributes: attributes.as_object().expect("an object").clone() }
    }
}

impl Desk for Fake {
    fn names(&self) -> Vec<String> {
        self.pvds.keys().cloned().collect()
    }

    fn find(&self, name: &str) -> Option<Told> {
        self.pvds.get_key_value(name).map(Fake::told)
    }

    fn page(&self, from: Option<Cursor>) -> (Vec<Told>, Option<Cursor>) {
        let index = from.map_or(0, |from| from.index as usize);
        let page = self.pvds.iter().skip(index).take(PAGE).map(Fake::told).collect();
        let next = index + PAGE;
        (page, (next < self.pvds.len()).then_some(Cursor { base_seq: 0, index: next as u32 }))
    }

    fn last_event(&self) -> u64 {
        self.events.len() as u64
    }

    fn news(&self, since: u64) -> Option<Vec<News>> {
        if since < self.forgotten {
            return None;
        }
        Some(self.events.iter().skip(since as usize).take(EVENTS_AT_ONCE).cloned().collect())
    }

    fn statement(&self, name: &str) -> Option<Statement> {
        self.said.get(name).cloned()
    }

    fn carry_out(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Create(name) => drop(self.said.insert(name, Statement::default())),
            Order::Remove(name) => drop(self.said.remove(&name).ok_or("there is none")?),
            Order::Say(name, statement) => drop(self.said.insert(name, *statement)),
        }
        Ok(())
    }
}

/// Says something, and returns all that is heard.
pub(super) fn say(dialogue: &mut Dialogue, desk: &mut Fake, text: impl AsRef<[u8]>) -> String {
    dialogue.push(text.as_ref());
    hear(dialogue, desk)
}

/// All that is heard now.
pub(super) fn hear(dialogue: &mut Dialogue, desk: &mut Fake) -> String {
    let mut heard = Vec::new();
    while dialogue.advance(desk) {
        heard.extend_from_slice(dialogue.to_send());
        dialogue.sent();
    }
    String::from_utf8(heard).expect("text")
}

pub(super) fn looking() -> Dialogue {
    Dialogue::new(Some(Access::Read))
}
