// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Octets as text.

/// Two digits an octet, in lower case.
pub(crate) fn encode(octets: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
}

/// `None`: it is not that.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let octet = |pair: &[u8]| Some(value(pair[0])? << 4 | value(pair[1])?);
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(octet).collect())?
}

/// 64-bit FNV-1a, as text: any one octet that differs makes another.
pub(super) fn digest(octets: &[u8]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = octets.iter().fold(OFFSET, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
