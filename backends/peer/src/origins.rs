// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! By whom moves have come, so that nobody else says where their guests are.
//!
//! The id of a move is a secret that its document holds, and weftd asks for no more. Here more is known: the name of who has brought
//! the document. A move that came before this program was started, or so long ago that it is forgotten, has nothing but its secret.

use crate::limits::ORIGINS_MAX;
use ctl::codec::Call;
use ctl::proto::Method;
use ctl::proto::v1::{Error, MoveTell, PortImport};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The moves that came last, each with the name by which its document's bearer was let in.
#[derive(Debug, Default)]
pub(crate) struct Origins(Mutex<VecDeque<(String, String)>>);

impl Origins {
    /// Whether who was let in by that name may make the call, which is one that [`crate::calls::judge`] has passed.
    ///
    /// # Errors
    /// What he is answered instead: the move was brought by somebody else.
    pub(crate) fn check(&self, call: &Call, name: &str) -> Result<(), Error> {
        let Some(id) = spoken_of(call) else { return Ok(()) };
        if self.lock().iter().all(|(known, by)| *known != id || by == name) {
            return Ok(());
        }
        let needed = "the certificate by which the port was handed over".to_owned();
        Err(Error::Denied { action: "word of a guest of somebody else's".to_owned(), needed })
    }

    /// Takes note of a call of his that has succeeded. Who came first with a move stays its bearer.
    pub(crate) fn note(&self, call: &Call, name: &str) {
        let Some(id) = brought(call) else { return };
        let mut known = self.lock();
        if known.iter().any(|(other, _)| *other == id) {
            return;
        }
        if known.len() >= ORIGINS_MAX {
            known.pop_front();
        }
        known.push_back((id, name.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parameter(call: &Call, of: &str, name: &str) -> Option<String> {
    let said = call.parameters.as_ref().filter(|_| call.method == of)?;
    said.get(name)?.as_str().map(str::to_owned)
}

/// The move of whose guest a call speaks.
fn spoken_of(call: &Call) -> Option<String> {
    parameter(call, MoveTell::NAME, "id").map(|id| plain(&id))
}

/// The move whose document a call brings.
fn brought(call: &Call) -> Option<String> {
    let document: Value = serde_json::from_str(&parameter(call, PortImport::NAME, "text")?).ok()?;
    document.pointer("/move/id")?.as_str().map(plain)
}

/// An id as it is written first: weftd reads the same from one with zeros in front of it, or with capital letters.
fn plain(id: &str) -> String {
    id.trim_start_matches('0').to_ascii_lowercase()
}

#[cfg(test)]
mod test {
    use super::*;
    use ctl::proto::v1::Departure;
    use serde_json::json;

    fn import(id: &str) -> Call {
        let text = json!({ "move": { "id": id } }).to_string();
        Call::new(&PortImport { text, ..PortImport::default() }).unwrap()
    }

    fn tell(id: &str) -> Call {
        Call::new(&MoveTell { id: id.to_owned(), guest: Departure::Stopped }).unwrap()
    }

    #[test]
    fn test_who_has_brought_a_move_speaks_of_its_guest_and_nobody_else() {
        let origins = Origins::default();
        assert_eq!(origins.check(&tell("1-a"), "host1"), Ok(()), "weftd knows whether there is such a move");
        origins.note(&import("1-a"), "host1");
        origins.note(&import("1-a"), "host2");
        origins.note(&tell("2-a"), "host2");
        assert_eq!(origins.check(&tell("1-a"), "host1"), Ok(()));
        assert!(matches!(origins.check(&tell("1-a"), "host2"), Err(Error::Denied { .. })));
        for the_same in ["01-a", "1-A"] {
            assert!(origins.check(&tell(the_same), "host2").is_err(), "{the_same}");
        }
        assert_eq!(origins.check(&tell("2-a"), "host1"), Ok(()), "nobody has brought that");
        assert_eq!(origins.check(&import("1-a"), "host2"), Ok(()), "what comes twice is for weftd to judge");
    }

    #[test]
    fn test_so_many_are_remembered_and_no_more() {
        let origins = Origins::default();
        (1..=ORIGINS_MAX + 1).for_each(|number| origins.note(&import(&number.to_string()), "host1"));
        assert_eq!(origins.lock().len(), ORIGINS_MAX);
        assert_eq!(origins.check(&tell("1"), "host2"), Ok(()), "the first is forgotten");
        assert!(origins.check(&tell("2"), "host2").is_err());
    }
}
