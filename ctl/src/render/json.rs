// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Answers as JSON documents: indented for a person, on one line for a program.

use serde::Serialize;

use super::text::is_dangerous;

/// The document, ended by a newline.
///
/// Characters that could fool a terminal can only stand inside strings here, so they are written as `\u` escapes: the
/// document means the same and is safe to look at.
pub(crate) fn document<T: Serialize + ?Sized>(answer: &T, pretty: bool) -> Result<String, serde_json::Error> {
    let text = if pretty { serde_json::to_string_pretty(answer)? } else { serde_json::to_string(answer)? };
    let mut safe = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        if letter != '\n' && is_dangerous(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(letter);
        }
    }
    safe.push('\n');
    Ok(safe)
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn dangerous_characters_are_escaped_and_survive() {
        let value = "a\u{9b}b\u{202e}\u{e0041}\x1b\n";
        let text = document(value, false).unwrap();
        assert_eq!(text, "\"a\\u009bb\\u202e\\udb40\\udc41\\u001b\\n\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }

    #[test]
    fn pretty_is_indented() {
        assert_eq!(document(&[1], true).unwrap(), "[\n  1\n]\n");
    }
}
