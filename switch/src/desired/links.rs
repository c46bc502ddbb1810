// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules about links. A link is two ports, each of which names the other; it joins when both are there. The
//! namespaces and their links form trees: over a loop a flooded frame would go round.

use super::Desired;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::text::Text;
use std::collections::BTreeSet;

impl Desired {
    /// Whether the port at `near` may be an end of a link to `far`.
    pub(super) fn check_link(&self, near: &PortPath, far: &PortPath) -> Result<(), Refusal> {
        if near.namespace == far.namespace {
            let expected = format!("a port of another namespace than {}", near.namespace);
            return Err(Refusal::invalid("link", far.to_string(), expected));
        }
        let Some(there) = self.ports.get(far) else { return Ok(()) };
        if there.far() != Some(near) {
            return Err(Refusal::exists(Kind::Port, far));
        }
        if self.is_way(&far.namespace, near) {
            let by = Text::from("links with namespace ").quoted(&near.namespace);
            let by = by.and(" already: one more would make a loop; `weft link list` shows them");
            return Err(Refusal::in_use(Kind::Namespace, &far.namespace, by));
        }
        Ok(())
    }

    /// The other end of a link, if both are there.
    pub(crate) fn far_of(&self, near: &PortPath) -> Option<&PortPath> {
        let far = self.ports.get(near)?.far()?;
        (self.ports.get(far)?.far() == Some(near)).then_some(far)
    }

    /// Whether there is a way over links from a namespace to that of `end`, other than through `end` itself.
    fn is_way(&self, from: &NamespacePath, end: &PortPath) -> bool {
        let mut seen = BTreeSet::from([from.clone()]);
        let mut open = vec![from.clone()];
        while let Some(namespace) = open.pop() {
            let ends = self.ports_of(&namespace).filter_map(|(near, _)| self.far_of(near));
            for far in ends.filter(|far| *far != end) {
                if far.namespace == end.namespace {
                    return true;
                }
                if seen.insert(far.namespace.clone()) {
                    open.push(far.namespace.clone());
                }
            }
        }
        false
    }
}
