// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The invariants of subsystems and identities, with subsystems that write down what happens to them and fail on demand.
mod numbers;
mod passes;
mod probe;

use super::*;
use probe::{Event, Log, Probe, Whose, world};

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn create(tree: &mut Tree, text: &str) -> Result<Handle<Namespace>, Refusal> {
    tree.create(&path(text), &NamespaceSpec::default(), &[])
}

/// Takes a namespace out of the tree for good.
fn destroy(tree: &mut Tree, text: &str) -> Result<(), Refusal> {
    let namespace = tree.detach(&path(text))?;
    tree.bury(namespace);
    Ok(())
}

/// Paths of all that live, in tree order.
fn paths(tree: &Tree) -> Vec<String> {
    tree.subtree(&NamespacePath::root()).map(|namespace| namespace.path().to_string()).collect()
}
