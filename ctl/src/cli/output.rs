// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where answers go: as text for people, or as JSON when it was asked for. A verb hands over the wire object and a
//! way to make text of it, so neither form can know more than the other.

use std::io::{self, Write};

use serde::Serialize;

use super::global::Global;
use super::{DONE, Outcome};
use crate::render::json;
use crate::render::table::{Side, Table};

/// The answer's destination and form.
pub(super) struct Output<'a> {
    stream: &'a mut dyn Write,
    json: bool,
    pretty: bool,
    header: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(stream: &'a mut dyn Write, global: &Global, terminal: bool) -> Output<'a> {
        Output { stream, json: global.json.is_some(), pretty: terminal, header: !global.no_header }
    }

    /// Whether the answer is wanted as text.
    pub(super) fn is_text(&self) -> bool {
        !self.json
    }

    /// An empty table with these columns, in the form that the options ask for.
    pub(super) fn table(&self, columns: &[(&str, Side)]) -> Table {
        Table::new(columns, self.header)
    }

    /// Prints an answer. `text` must have escaped what it took from the answer, as `render` does.
    pub(super) fn answer<T: Serialize + ?Sized>(&mut self, answer: &T, text: impl FnOnce(&Self) -> String) -> Outcome {
        if self.json { self.document(answer) } else { self.bytes(text(self).as_bytes()) }
    }

    /// Prints the answer of a verb that has nothing to say but success: nothing, or an empty JSON object.
    pub(super) fn done(&mut self) -> Outcome {
        self.answer(&crate::proto::v1::Empty {}, |_| String::new())
    }

    /// Prints a JSON document, whatever was asked for.
    pub(super) fn document<T: Serialize + ?Sized>(&mut self, answer: &T) -> Outcome {
        let text = json::document(answer, self.pretty).map_err(io::Error::from)?;
        self.bytes(text.as_bytes())
    }

    /// Prints what is ready to be printed.
    pub(super) fn bytes(&mut self, text: &[u8]) -> Outcome {
        self.stream.write_all(text)?;
        self.stream.flush()?;
        Ok(DONE)
    }
}
