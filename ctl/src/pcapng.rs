// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Capture files (draft-ietf-opsawg-pcapng), as far as weft and weftd write them: blocks, appended to whatever the caller has.

/// Block types (section 11.1).
/// What every file begins with (section 4.1); the same in either order of bytes.
pub const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// What tells the order of bytes (section 4.1).
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Ethernet (`LINKTYPE_ETHERNET`).
const ETHERNET: u16 = 1;

/// Option codes: the end, a comment, the name of an interface, which way a packet went, the program that wrote a section
/// (sections 3.5, 4.1, 4.2, 4.3).
const END: u16 = 0;
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const EPB_FLAGS: u16 = 2;
const SHB_USERAPPL: u16 = 4;

/// Bytes of a packet's block beside its frame, at most, where it has no comment.
pub const PACKET_OVERHEAD: usize = 52;

/// Which way a packet went, as its interface sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It came in.
    In = 1,
    /// It went out.
    Out = 2,
}

/// One packet, beside its bytes.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The number of its interface, in the order in which these were appended.
    pub interface: u32,
    /// When it was seen, in microseconds since 1970.
    pub micros: u64,
    /// Its whole length, where its bytes are not all of it.
    pub len: u32,
    /// Which way it went, if that is known.
    pub way: Option<Way>,
    /// What is to be said of it; nothing if it is empty.
    pub comment: &'a str,
}

/// Appends the beginning of a section.
pub fn section(out: &mut Vec<u8>) {
    block(out, SECTION, |out| {
        out.extend(BYTE_ORDER.to_le_bytes());
        // Version 1.0, of a length that is not told.
        out.extend([1, 0, 0, 0]);
        out.extend([0xff; 8]);
        option(out, SHB_USERAPPL, concat!("weft ", env!("CARGO_PKG_VERSION")).as_bytes());
        option(out, END, &[]);
    });
}

/// Appends an interface, which counts microseconds.
pub fn interface(out: &mut Vec<u8>, name: &str) {
    block(out, INTERFACE, |out| {
        out.extend(ETHERNET.to_le_bytes());
        out.extend([0; 6]);
        option(out, IF_NAME, name.as_bytes());
        option(out, END, &[]);
    });
}

/// Appends a packet. Nothing is allocated where `out` has room for it: [`PACKET_OVERHEAD`], its bytes and its comment.
pub fn packet(out: &mut Vec<u8>, about: &About<'_>, frame: &[u8]) {
    block(out, PACKET, |out| {
        let words = [about.interface, (about.micros >> 32) as u32, about.micros as u32, frame.len() as u32, about.len];
        words.iter().for_each(|word| out.extend(word.to_le_bytes()));
        out.extend(frame);
        pad(out, frame.len());
        if let Some(way) = about.way {
            option(out, EPB_FLAGS, &(way as u32).to_le_bytes());
        }
        if !about.comment.is_empty() {
            option(out, COMMENT, about.comment.as_bytes());
        }
        option(out, END, &[]);
    });
}

/// A block, with its length before and behind what `write` appends.
fn block(out: &mut Vec<u8>, kind: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    write(out);
    let length = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&length);
    out.extend(length);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    // Texts are names and numbers, far below what a length can say.
    let value = &value[..value.len().min(u16::MAX as usize)];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    pad(out, value.len());
}

/// What follows `len` bytes begins at a multiple of four octets.
fn pad(out: &mut Vec<u8>, len: usize) {
    out.extend(&[0; 3][..len.next_multiple_of(4) - len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_takes_no_more_than_was_said_whatever_its_length() {
        for len in 0..9 {
            let mut out = Vec::new();
            let about = About { interface: 0, micros: u64::MAX, len: 9, way: Some(Way::Out), comment: "" };
            packet(&mut out, &about, &vec![7; len]);
            assert!(out.len() <= PACKET_OVERHEAD + len && out.len().is_multiple_of(4), "{len}: {}", out.len());
            let said = u32::from_le_bytes(out[4..8].try_into().unwrap());
            assert_eq!((said as usize, &out[4..8]), (out.len(), &out[out.len() - 4..]));
            assert_eq!(&out[28..28 + len], vec![7; len]);
        }
    }
}
