// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the namespaces that a port lies in are configured with: it goes along, and holds for those that are made for the port.
//!
//! So a tenant who is limited is not unlimited where his guest lands, and his hosts are answered as before. A namespace that is there
//! already is its operator's there, and keeps what he has said of it. What names a socket or a user of this host stays: to whom a
//! namespace is delegated, and where its PvDs are told in text. Quotas are judged as those of any namespace: they hold beside those
//! of whatever it lies in at the destination.

use super::Move;
use crate::control::Control;
use crate::path::NamespacePath;
use crate::refusal::Refusal;
use crate::spec::NamespaceSpec;

impl NamespaceSpec {
    /// What of it means the same on another host.
    fn elsewhere(&self) -> NamespaceSpec {
        NamespaceSpec { delegation: None, pvdd: None, ..self.clone() }
    }
}

impl Control {
    /// What a namespace and those that it lies in are configured with, its own first and without the root's, as far as there is
    /// anything that differs from one of which nothing is said.
    pub(super) fn settings_left(&self, home: &NamespacePath) -> Vec<NamespaceSpec> {
        let ways = home.and_ancestors().filter(|path| !path.is_root());
        let said =
            |path: NamespacePath| self.desired.namespace(&path).map(NamespaceSpec::elsewhere).unwrap_or_default();
        let mut settings: Vec<_> = ways.map(said).collect();
        while settings.last().is_some_and(|last| *last == NamespaceSpec::default()) {
            settings.pop();
        }
        settings
    }

    /// That an operator could say each of them of a namespace of his, whether one is made by it or not.
    pub(super) fn check_settings(&self, moved: &Move) -> Result<(), Refusal> {
        let depth = moved.port.namespace.depth();
        if moved.homes.len() > depth {
            let expected = "settings for each namespace that the port lies in, the root aside";
            return Err(Refusal::invalid("homes", format!("{} of them", moved.homes.len()), expected));
        }
        for home in &moved.homes {
            if *home != home.elsewhere() {
                let expected = "none: sockets and users of a namespace are those of its host";
                return Err(Refusal::invalid("homes", "a delegation or a text socket", expected));
            }
            home.check()?;
        }
        Ok(())
    }
}
