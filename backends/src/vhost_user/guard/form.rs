// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The form of a message: how long it is and what comes with it, by the table.

use super::memory::{REGION_LEN, TABLE_MAX};
use super::refusal::{MemoryFault, Refusal};
use super::rings;
use super::table::{Fds, Length, Rule};
use crate::vhost_user::message::{BODY_MAX, Message};

/// Whether descriptors and payload have the form that the table gives.
pub(super) fn check(rule: &Rule, message: &Message) -> Result<(), Refusal> {
    let got = message.body.len();
    let expected = match rule.length {
        Length::Any => got,
        Length::Exactly(expected) => expected,
        Length::Regions => 8 + REGION_LEN * check_regions(rule, message)?,
        Length::Config => 12 + check_config(rule, message)?,
    };
    if got != expected {
        return Err(Refusal::Length { message: rule.name, got, expected });
    }
    let got = message.fds.len();
    let expected = match rule.fds {
        Fds::Exactly(expected) => expected,
        Fds::Ignored(most) => got.min(most),
        Fds::Regions => message.u32_at(0).unwrap_or(0) as usize,
        Fds::Doorbell => rings::doorbell_fds(message),
    };
    if got == expected { Ok(()) } else { Err(Refusal::Descriptors { message: rule.name, got, expected }) }
}

/// How many regions a memory table says that it has.
fn check_regions(rule: &Rule, message: &Message) -> Result<usize, Refusal> {
    let got = message.u32_at(0).unwrap_or(0) as usize;
    if (1..=TABLE_MAX).contains(&got) {
        return Ok(got);
    }
    Err(Refusal::Memory { message: rule.name, fault: MemoryFault::Count { got, max: TABLE_MAX } })
}

/// How many bytes of configuration space a message says that it is about.
fn check_config(rule: &Rule, message: &Message) -> Result<usize, Refusal> {
    let word = |at| message.u32_at(at).map_or(usize::MAX, |word| word as usize);
    let (offset, size, flags) = (word(0), word(4), word(8));
    if flags <= 3 && size > 0 && size <= BODY_MAX && offset <= BODY_MAX - size {
        return Ok(size);
    }
    let expected = format!("1 to {BODY_MAX} bytes inside the configuration space");
    Err(Refusal::Value { message: rule.name, what: "the size", value: size as u64, expected })
}
