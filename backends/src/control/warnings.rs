// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator ought to know, one sentence each. What is found out anew takes the place of what was known before,
//! so the list does not grow with time.

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    /// What happened at the start.
    pub(super) start: Vec<String>,
    /// What was done with `weft` and does not fit the configuration file, as it was last read.
    pub(super) left_out: Vec<String>,
    /// Why the state is not saved.
    pub(super) unsaved: Option<String>,
    /// Why nothing can be fetched about PvDs.
    pub(super) fetching: Option<String>,
}

impl Warnings {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = String> {
        let unsaved =
            self.unsaved.iter().map(|why| format!("{why}; a restart of weftd would lose what was done with weft"));
        self.start.iter().chain(&self.left_out).chain(&self.fetching).cloned().chain(unsaved)
    }
}
