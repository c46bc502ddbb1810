// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements as a capture file (draft-ietf-opsawg-pcapng): one section, one interface for each port.

use crate::proto::v1::{Ra, RaShowReply};

/// Block types (section 11.1).
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// What tells the order of bytes (section 4.1).
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Ethernet (`LINKTYPE_ETHERNET`).
const ETHERNET: u16 = 1;

/// Option codes: the end, a comment, the name of an interface, the program that wrote a section (sections 3.5, 4.1, 4.2).
const END: u16 = 0;
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const SHB_USERAPPL: u16 = 4;

/// The file.
///
/// # Errors
/// What weftd has sent is not a frame in hexadecimal.
pub(super) fn file(all: &[RaShowReply]) -> Result<Vec<u8>, String> {
    let mut out = block(SECTION, &section());
    let mut interfaces: Vec<String> = Vec::new();
    for shown in all {
        let port = format!("{}:{}", shown.ra.namespace, shown.ra.port);
        let known = interfaces.iter().position(|known| *known == port);
        let interface = known.unwrap_or(interfaces.len());
        if known.is_none() {
            let body = [&ETHERNET.to_le_bytes()[..], &[0; 6], &option(IF_NAME, &port), &end()].concat();
            out.extend(block(INTERFACE, &body));
            interfaces.push(port);
        }
        out.extend(block(PACKET, &packet(interface as u32, shown)?));
    }
    Ok(out)
}

fn section() -> Vec<u8> {
    let program = option(SHB_USERAPPL, concat!("weft ", env!("CARGO_PKG_VERSION")));
    // Version 1.0, of a length that is not told.
    [&BYTE_ORDER.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8], &program, &end()].concat()
}

fn packet(interface: u32, shown: &RaShowReply) -> Result<Vec<u8>, String> {
    let Ra { namespace, number, pvd, heard, last_at_ms, .. } = &shown.ra;
    let frame = bytes(&shown.frame).ok_or("weftd sent a frame that is not in hexadecimal")?;
    // Microseconds, as an interface counts that says nothing else.
    let time = last_at_ms.saturating_mul(1000);
    let length = frame.len() as u32;
    let words = [interface, (time >> 32) as u32, time as u32, length, length];
    let comment = format!("namespace {namespace}, number {number}, PvD {pvd}, heard {heard} times");
    let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Ok([head, padded(frame), option(COMMENT, &comment), end()].concat())
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

fn option(code: u16, text: &str) -> Vec<u8> {
    // Texts are names and numbers, far below what a length can say.
    let text = &text.as_bytes()[..text.len().min(u16::MAX as usize)];
    let head = [code.to_le_bytes(), (text.len() as u16).to_le_bytes()].concat();
    [head, padded(text.to_vec())].concat()
}

fn end() -> Vec<u8> {
    [END.to_le_bytes(), [0; 2]].concat()
}

/// Up to a multiple of four octets.
fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?, 16).ok()).collect()
}
