// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements as a capture file: one section, one interface for each port.

use crate::pcapng::{About, interface, packet, section};
use crate::proto::v1::{Ra, RaShowReply};

/// The file.
///
/// # Errors
/// What weftd has sent is not a frame in hexadecimal.
pub(super) fn file(all: &[RaShowReply]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    section(&mut out);
    let mut interfaces: Vec<String> = Vec::new();
    for shown in all {
        let port = format!("{}:{}", shown.ra.namespace, shown.ra.port);
        let known = interfaces.iter().position(|known| *known == port);
        let number = known.unwrap_or(interfaces.len());
        if known.is_none() {
            interface(&mut out, &port);
            interfaces.push(port);
        }
        append(&mut out, number as u32, shown)?;
    }
    Ok(out)
}

fn append(out: &mut Vec<u8>, interface: u32, shown: &RaShowReply) -> Result<(), String> {
    let Ra { namespace, number, pvd, heard, last_at_ms, .. } = &shown.ra;
    let frame = bytes(&shown.frame).ok_or("weftd sent a frame that is not in hexadecimal")?;
    let comment = format!("namespace {namespace}, number {number}, PvD {pvd}, heard {heard} times");
    let (micros, len) = (last_at_ms.saturating_mul(1000), frame.len() as u32);
    packet(out, &About { interface, micros, len, way: None, comment: &comment }, &frame);
    Ok(())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?, 16).ok()).collect()
}
