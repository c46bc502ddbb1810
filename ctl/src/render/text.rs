// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Small pieces of text: escaping, durations, shares.

use std::borrow::Cow;

/// Whether a character can move the cursor, change colours, hide or reorder text.
pub(crate) fn is_dangerous(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every dangerous character written as an escape.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let escape = |letter: char| -> String {
        if is_dangerous(letter) { letter.escape_default().collect() } else { letter.to_string() }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// So many of something, by the word for one: `1 port`, `2 ports`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// A duration in its two largest units: `3 h 2 min`.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(largest) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        return "0 s".to_owned();
    };
    let (size, unit) = UNITS[largest];
    let mut text = format!("{} {unit}", seconds / size);
    if let Some((next, unit)) = UNITS.get(largest + 1)
        && seconds % size / next > 0
    {
        text.push_str(&format!(" {} {unit}", seconds % size / next));
    }
    text
}

/// Reads a duration as an operator writes it: `90`, `90s`, `5m`, `2h`, `1d`.
pub(crate) fn parse_duration(text: &str) -> Result<u64, String> {
    let expected = || "expected seconds, or a number with s, m, h or d: 5m".to_owned();
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| expected())?;
    number.checked_mul(factor).filter(|seconds| *seconds > 0).ok_or_else(expected)
}

/// Thousandths as per cent: `12.3 %`.
pub(crate) fn percent(permille: u32) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::{counted, duration, parse_duration, percent, printable};

    #[test]
    fn one_is_not_several() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "guest")), ["0 guests", "1 guest", "2 guests"]);
    }

    #[test]
    fn escapes_what_could_fool_a_terminal() {
        assert_eq!(printable("red-vm1 äöü 网"), "red-vm1 äöü 网");
        assert_eq!(printable("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("a\nb\r\u{9b}"), "a\\nb\\r\\u{9b}");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
    }

    #[test]
    fn durations_read_and_print() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "m", "-1", "5 m", "1.5h", "0", "99999999999999999999d", "300000000000000000d", "5ü"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(60), "1 min");
        assert_eq!(duration(10_921), "3 h 2 min");
        assert_eq!(duration(90_061), "1 d 1 h");
    }

    #[test]
    fn shares_have_one_decimal() {
        assert_eq!(percent(123), "12.3 %");
        assert_eq!(percent(1000), "100.0 %");
    }
}
