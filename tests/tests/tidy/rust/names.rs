// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names that must not be named.

use super::parse;
use crate::tree::File;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// What would make the switch depend on more than its arguments, and what to take instead.
const IMPURE: [(&str, &str); 11] = [
    ("std::time::Instant", "time is an argument: dataplane::Instant"),
    ("std::time::SystemTime", "time is an argument"),
    ("std::thread", "threads belong to backends"),
    ("std::net", "sockets belong to backends; addresses come from core::net"),
    ("std::os::unix::net", "sockets belong to backends"),
    ("std::fs", "files belong to backends"),
    ("std::env", "the environment belongs to backends"),
    ("std::process", "processes belong to backends"),
    ("std::io", "I/O belongs to backends"),
    ("std::collections::HashMap", "its order is random: BTreeMap or a table"),
    ("std::collections::HashSet", "its order is random: BTreeSet or a table"),
];

/// Paths of [`IMPURE`] in a file, its `#[cfg(test)]` parts excepted.
pub(crate) fn impure(file: &File) -> Vec<String> {
    let mut names = Paths { found: Vec::new() };
    names.visit_file(&parse(file));
    let breach = |(path, span): &(String, Span)| {
        let (_, instead) = IMPURE.iter().find(|(impure, _)| is_within(path, impure))?;
        Some(format!("{}:{}: {path}: {instead}", file.path, span.start().line))
    };
    names.found.iter().filter_map(breach).collect()
}

fn is_within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Collects every path, imports spelled out.
struct Paths {
    found: Vec<(String, Span)>,
}

impl Paths {
    fn import(&mut self, prefix: &str, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.import(&format!("{prefix}{}::", path.ident), &path.tree),
            syn::UseTree::Name(name) => self.found.push((format!("{prefix}{}", name.ident), name.ident.span())),
            syn::UseTree::Rename(name) => self.found.push((format!("{prefix}{}", name.ident), name.ident.span())),
            syn::UseTree::Glob(glob) => self.found.push((format!("{prefix}*"), glob.star_token.spans[0])),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(prefix, item)),
        }
    }
}

impl Visit<'_> for Paths {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.import("", &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(last) = path.segments.last() {
            self.found.push((names.join("::"), last.ident.span()));
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if !item.attrs.iter().any(is_test_only) {
            visit::visit_item_mod(self, item);
        }
    }
}

fn is_test_only(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().starts_with("test"))
}

/// Attributes and macros that say "later".
pub(crate) fn unfinished(file: &File) -> Vec<String> {
    let mut later = Later { path: &file.path, breaches: Vec::new() };
    later.visit_file(&parse(file));
    later.breaches
}

struct Later<'a> {
    path: &'a str,
    breaches: Vec<String>,
}

impl Later<'_> {
    fn breach(&mut self, span: Span, what: &str) {
        let (path, line) = (self.path, span.start().line);
        self.breaches.push(format!("{path}:{line}: {what}; finish it, or count it as skipped (CONTRIBUTING.md)"));
    }

    /// Macros inside macros are tokens only: `assert!(todo!())`.
    fn look_inside(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.look_inside(group.stream()),
                TokenTree::Ident(name) if name == "todo" || name == "unimplemented" => {
                    self.breach(name.span(), &format!("{name}!"));
                }
                _ => {}
            }
        }
    }
}

impl Visit<'_> for Later<'_> {
    fn visit_attribute(&mut self, attribute: &syn::Attribute) {
        if let Some(name) = attribute.path().get_ident().filter(|name| *name == "ignore") {
            self.breach(name.span(), "#[ignore]");
        }
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        if let Some(name) = call.path.get_ident().filter(|name| *name == "todo" || *name == "unimplemented") {
            self.breach(name.span(), &format!("{name}!"));
        }
        self.look_inside(call.tokens.clone());
    }
}
