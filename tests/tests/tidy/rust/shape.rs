// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lengths of functions, and where `unsafe` stands.

use super::parse;
use crate::tree::File;
use proc_macro2::Span;
use syn::visit::{self, Visit};

const FUNCTION_LINES_MAX: usize = 70;

/// Functions longer than a screen, from `fn` to the closing brace.
pub(crate) fn long_functions(file: &File) -> Vec<String> {
    let mut found = Functions { path: &file.path, breaches: Vec::new() };
    found.visit_file(&parse(file));
    found.breaches
}

struct Functions<'a> {
    path: &'a str,
    breaches: Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let (path, name) = (self.path, &signature.ident);
            self.breaches
                .push(format!("{path}:{first}: fn {name} has {lines} lines, {FUNCTION_LINES_MAX} are allowed"));
        }
    }
}

impl Visit<'_> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Blocks, functions and impls that are `unsafe`.
pub(crate) fn unsafe_code(file: &File) -> Vec<String> {
    let mut found = Unsafe { path: &file.path, breaches: Vec::new() };
    found.visit_file(&parse(file));
    found.breaches
}

struct Unsafe<'a> {
    path: &'a str,
    breaches: Vec<String>,
}

impl Unsafe<'_> {
    fn breach(&mut self, span: Span) {
        let (path, line) = (self.path, span.start().line);
        self.breaches.push(format!("{path}:{line}: unsafe code belongs to backends/sys"));
    }
}

impl Visit<'_> for Unsafe<'_> {
    fn visit_expr_unsafe(&mut self, block: &syn::ExprUnsafe) {
        self.breach(block.unsafe_token.span);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        if let Some(token) = &item.unsafety {
            self.breach(token.span);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &syn::ItemForeignMod) {
        self.breach(item.abi.extern_token.span);
    }
}
