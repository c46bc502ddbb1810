// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Base64 with padding (RFC 4648 section 4): how bytes cross the guest's command line unharmed.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of `bytes`, without line breaks.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit)) & 63;
            let symbol = ALPHABET[index as usize] as char;
            text.push(if digit <= group.len() { symbol } else { '=' });
        }
    }
    text
}

/// Appends the bytes of one line to `out`; `None` when the line is not base64.
pub(crate) fn decode_into(line: &str, out: &mut Vec<u8>) -> Option<()> {
    let digits = line.trim_end_matches('=').as_bytes();
    if !line.len().is_multiple_of(4) || line.len() - digits.len() > 2 {
        return None;
    }
    for group in digits.chunks(4) {
        let mut word = 0u32;
        for &symbol in group {
            let value = ALPHABET.iter().position(|&known| known == symbol)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        word <<= 6 * (4 - group.len());
        out.extend_from_slice(&word.to_be_bytes()[1..group.len()]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_section_10_vectors() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            let mut back = Vec::new();
            decode_into(text, &mut back).unwrap();
            assert_eq!(back, bytes.as_bytes());
        }
    }

    #[test]
    fn every_byte_survives() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut back = Vec::new();
        decode_into(&encode(&bytes), &mut back).unwrap();
        assert_eq!(back, bytes);
    }

    #[test]
    fn rubbish_is_refused() {
        for text in ["Zg=", "Z", "Zm9*", "===="] {
            assert!(decode_into(text, &mut Vec::new()).is_none(), "{text}");
        }
    }
}
