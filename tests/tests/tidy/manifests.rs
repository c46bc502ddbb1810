// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules on the manifests: who may depend on whom.

use crate::tree::{File, Tree};
use std::collections::BTreeSet;
use toml::Table;

/// Every crate and the crates of this workspace that it may name. An arrow that is not here is a breach.
const ARROWS: [(&str, &[&str]); 14] = [
    ("wire", &[]),
    ("sys", &[]),
    ("ctl", &[]),
    ("qemu", &[]),
    ("dataplane", &["wire", "sys"]),
    ("pvd", &["wire"]),
    ("netvsc", &["wire"]),
    ("switch", &["wire", "dataplane", "pvd", "netvsc"]),
    ("backends", &["switch", "dataplane", "pvd", "netvsc", "wire", "sys", "ctl"]),
    ("fetch", &["pvd", "sys"]),
    ("peer", &["ctl"]),
    ("xtask", &["qemu", "ctl"]),
    ("tests", SEES_ALL),
    ("benches", SEES_ALL),
];

/// What proves and what measures may look into everything.
const SEES_ALL: &[&str] =
    &["wire", "sys", "ctl", "qemu", "dataplane", "pvd", "netvsc", "switch", "backends", "fetch", "tests"];

/// The foreign crates that `switch/**` may name: none of them can reach a socket, a thread or a clock.
const PURE: [&str; 6] = ["arc-swap", "rtrb", "serde", "serde_json", "thiserror", "time"];

/// Crates of this workspace named by a manifest (its dev-dependencies excepted) against [`ARROWS`].
pub(crate) fn arrows(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.manifests() {
        let manifest = parse(file);
        let name = name(&manifest);
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            breaches.push(format!("{}: crate {name} is not in the table of arrows; add it with its arrows", file.path));
            continue;
        };
        for dependency in dependencies(&manifest) {
            let ours = ARROWS.iter().any(|(known, _)| *known == dependency);
            if ours && !allowed.contains(&dependency.as_str()) {
                breaches.push(format!("{}: {name} must not depend on {dependency}", file.path));
            }
        }
    }
    breaches
}

/// Foreign crates named by a manifest under `switch/` against [`PURE`].
pub(crate) fn foreign(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in tree.manifests().filter(|file| file.path.starts_with("switch/")) {
        for dependency in dependencies(&parse(file)) {
            let ours = ARROWS.iter().any(|(known, _)| *known == dependency);
            if !ours && !PURE.contains(&dependency.as_str()) {
                breaches.push(format!("{}: {dependency} is not known to be free of I/O", file.path));
            }
        }
    }
    breaches
}

/// `[lints] workspace = true` in every crate.
pub(crate) fn lints(tree: &Tree) -> Vec<String> {
    let inherits = |file: &&File| {
        let manifest = parse(file);
        let lints = manifest.get("lints").and_then(toml::Value::as_table);
        lints.and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    tree.manifests()
        .filter(|file| !inherits(file))
        .map(|file| format!("{}: write `[lints]` with `workspace = true`", file.path))
        .collect()
}

fn parse(file: &File) -> Table {
    file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

fn name(manifest: &Table) -> String {
    let name = manifest.get("package").and_then(|package| package.get("name"));
    name.and_then(toml::Value::as_str).unwrap_or("(nameless)").to_owned()
}

/// Names under `[dependencies]`, `[build-dependencies]` and their per-target forms.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    std::iter::once(manifest)
        .chain(per_target)
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|section| table.get(section)))
        .filter_map(|section| section.and_then(toml::Value::as_table))
        .flat_map(|section| section.keys().cloned())
        .collect()
}
