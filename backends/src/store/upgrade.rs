// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Files of version 1. In them a port goes by its name alone, which was unique in the daemon then: `vm1` becomes
//! `red:vm1`, after the namespace that the file or the configuration has it in.

use super::format::FileV2;
use std::collections::BTreeMap;
use switch::Desired;

/// Makes a file of version 1 one of version 2. `base` is the configuration that it lies over. What is said of a port
/// that neither of them knows is forgotten.
pub(super) fn upgrade(file: &mut FileV2, base: &Desired) {
    let in_base: BTreeMap<String, String> =
        base.ports().keys().rev().map(|path| (path.name.to_string(), path.to_string())).collect();
    let made = |(name, port): (&String, &Option<super::format::PortV2>)| {
        let namespace = port.as_ref()?.namespace.as_ref()?;
        Some((name.clone(), format!("{namespace}:{name}")))
    };
    let made: BTreeMap<String, String> = file.ports.iter().filter_map(made).collect();
    let full = |name: &String| made.get(name).or_else(|| in_base.get(name)).cloned();
    file.offered = rename(std::mem::take(&mut file.offered), full);
    file.numbers.ports = rename(std::mem::take(&mut file.numbers.ports), full);
    file.ports = rename(std::mem::take(&mut file.ports), full);
    // One that was deleted and made again in another namespace was one change, and is two.
    let moved = made.iter().filter_map(|(name, now)| in_base.get(name).filter(|before| *before != now));
    file.ports.extend(moved.map(|before| (before.clone(), None)));
}

fn rename<T>(of: BTreeMap<String, T>, full: impl Fn(&String) -> Option<String>) -> BTreeMap<String, T> {
    of.into_iter().filter_map(|(name, value)| Some((full(&name)?, value))).collect()
}
