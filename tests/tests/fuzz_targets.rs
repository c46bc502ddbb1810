// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The fuzz targets, plain functions of bytes, over random inputs by seed. A panic inside is the failure.

use backends::vhost_user::fuzz;
use backends::{handover, vmm};
use tests::seed::Rng;

const INPUTS: usize = 5000;

fn run(seed: u64, target: fn(&[u8])) {
    run_some(seed, (INPUTS, 600), target);
}

/// Random inputs, so many and so long at most.
fn run_some(seed: u64, (inputs, longest): (usize, usize), target: fn(&[u8])) {
    let mut rng = Rng::from_env(seed);
    for _ in 0..inputs {
        let len = rng.between(0, longest);
        target(&rng.bytes(len));
    }
}

#[test]
fn any_byte_stream_of_a_frontend_is_survived() {
    run(11, fuzz::stream);
}

#[test]
fn any_conversation_with_the_guard_is_survived() {
    run(12, fuzz::conversation);
}

#[test]
fn any_advertisement_is_survived() {
    run(13, wire::nd::fuzz::message);
}

#[test]
fn anything_that_a_vmm_says_is_survived() {
    run(14, vmm::fuzz::qmp);
    run(15, vmm::fuzz::cloud_hypervisor);
}

#[test]
fn any_document_of_a_port_is_refused_or_taken_as_a_whole() {
    run(16, handover::fuzz::text);
    // A few changes are a better lie than many.
    run_some(17, (INPUTS, 30), handover::fuzz::document);
}
