// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The house rules that a machine can hold, held by a machine.
//!
//! Every rule reads the tree as it lies on the disk and reports each breach as `file:line: what, and what to do`.
//! `CONTRIBUTING.md` gives the reasons; this test is the letter. A rule that turns out to be wrong is
//! changed here, in the open, and never worked around.

mod architecture;
mod counterparts;
mod manifests;
mod readme;
mod regressions;
mod rust;
mod text;
mod tree;

use tree::Tree;

/// Fails with all breaches of one rule at once, so that one run is enough to repair them.
#[track_caller]
fn hold(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{rule}: {} breach(es)\n  {}\n", breaches.len(), breaches.join("\n  "));
}

#[test]
fn crate_arrows_point_one_way() {
    hold("arrows", &manifests::arrows(&Tree::read()));
}

#[test]
fn the_switch_depends_on_nothing_that_does_io() {
    hold("sans-io", &manifests::foreign(&Tree::read()));
}

#[test]
fn every_crate_inherits_the_lints() {
    hold("lints", &manifests::lints(&Tree::read()));
}

#[test]
fn every_build_condition_is_one_that_there_is() {
    hold("conditions", &rust::conditions(&Tree::read()));
}

#[test]
fn every_crate_opens_with_a_theory_of_operation() {
    hold("theory", &rust::theories(&Tree::read()));
}

#[test]
fn files_and_functions_are_small() {
    hold("size", &rust::sizes(&Tree::read()));
}

#[test]
fn unsafe_code_lives_in_one_crate() {
    hold("unsafe", &rust::unsafe_code(&Tree::read()));
}

#[test]
fn the_switch_reads_no_clock_and_opens_no_socket() {
    hold("sans-io", &rust::sans_io(&Tree::read()));
}

#[test]
fn nothing_is_ignored_or_left_to_do() {
    hold("unfinished", &rust::unfinished(&Tree::read()));
}

#[test]
fn every_source_names_its_licence() {
    hold("spdx", &text::spdx(&Tree::read()));
}

#[test]
fn nothing_names_a_single_machine() {
    hold("machine", &text::machine_paths(&Tree::read()));
}

#[test]
fn the_architecture_names_only_what_exists() {
    hold("architecture", &architecture::paths(&Tree::read()));
    hold("architecture", &architecture::length(&Tree::read()));
}

#[test]
fn the_readme_lists_the_commands_that_exist() {
    hold("readme", &readme::commands(&Tree::read()));
}

#[test]
fn every_defect_of_before_has_a_test() {
    hold("regressions", &regressions::tests(&Tree::read()));
}

#[test]
fn every_counterpart_of_others_tests_exists() {
    hold("counterparts", &counterparts::tests(&Tree::read()));
}
