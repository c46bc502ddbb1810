// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages do not depend on where the octets were cut.

use super::{Fake, looking, say};
use crate::pvdd::lines::{BadMessage, Lines, Message};
use crate::pvdd::verb::Verb;
use crate::pvdd::{Dialogue, MESSAGE_MAX};
use proptest::prelude::*;

fn messages(pieces: &[&[u8]]) -> Vec<Message> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for piece in pieces {
        lines.push(piece);
        found.extend(std::iter::from_fn(|| lines.pull()));
    }
    found
}

fn text(text: &str) -> Message {
    Ok(text.to_owned())
}

/// Words that mean something, other words, and what is no text.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "PVD_BEGIN_MULTILINE",
        "PVD_END_MULTILINE",
        "PVD_GET_LIST",
        "PVD_GET_ATTRIBUTES *",
        "PVD_GET_ATTRIBUTE a.example hFlag",
        "PVD_SUBSCRIBE a.example",
        "PVD_CONNECTION_PROMOTE_BINARY",
        "PVD_SET_ATTRIBUTE a.example x",
        "",
    ]);
    prop_oneof![
        known.prop_map(|line| line.as_bytes().to_vec()),
        "\\PC{0,40}".prop_map(String::into_bytes),
        any::<Vec<u8>>()
    ]
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any_line(), 0..20).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #[test]
    fn any_cuts_give_the_same_messages(stream in any_stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(messages(&pieces), messages(&[&stream]));
    }

    #[test]
    fn any_octets_are_answered_and_never_end_it(stream in any_stream()) {
        let mut desk = Fake::with(&["a.example."]);
        let mut client = looking();
        client.push(&stream);
        client.push(b"\nPVD_END_MULTILINE\nPVD_GET_LIST\n");
        let mut heard = Vec::new();
        while client.advance(&mut desk) {
            heard.extend_from_slice(client.to_send());
            client.sent();
        }
        prop_assert!(heard.ends_with(b"PVD_LIST a.example.\n"));
    }

    #[test]
    fn any_message_is_read_or_refused(message in "\\PC{0,60}") {
        let (word, verb) = Verb::parse(&message);
        prop_assert!(message.trim().starts_with(word));
        prop_assert!(verb.is_err() || word.starts_with("PVD_"));
    }

    #[test]
    fn an_answer_to_nonsense_is_one_line(message in "[^\n]{1,60}") {
        let heard = say(&mut looking(), &mut Fake::default(), format!("X{message}\n"));
        prop_assert!(heard.starts_with("PVD_ERROR ") && heard.matches('\n').count() == 1, "{}", heard);
    }
}

#[test]
fn several_lines_are_one_message() {
    let stream =
        b"PVD_BEGIN_MULTILINE\nPVD_SET_ATTRIBUTE a.example cost\n{\n \"a\": 1\n}\nPVD_END_MULTILINE\nPVD_GET_LIST\n";
    let expected = [text("PVD_SET_ATTRIBUTE a.example cost\n{\n \"a\": 1\n}\n"), text("PVD_GET_LIST")];
    let octet_by_octet: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(messages(&octet_by_octet), expected);
    let nested = b"PVD_BEGIN_MULTILINE\nlost\nPVD_BEGIN_MULTILINE\nkept\nPVD_END_MULTILINE\n";
    assert_eq!(messages(&[nested]), [Err(BadMessage::Nested), text("kept\n")]);
}

#[test]
fn a_message_of_any_size_is_taken_up_to_the_bound() {
    for length in [1, 2047, 2048, 2049, MESSAGE_MAX] {
        let line = "x".repeat(length);
        assert_eq!(messages(&[format!("{line}\n").as_bytes()]), [text(&line)]);
    }
}

#[test]
fn what_is_longer_is_refused_once_and_what_follows_is_heard() {
    let chunk = [b'x'; 1000];
    let mut endless: Vec<&[u8]> = vec![&chunk; 1000];
    endless.extend([b"\nPVD_GET_LIST\n".as_slice()]);
    assert_eq!(messages(&endless), [Err(BadMessage::TooLong), text("PVD_GET_LIST")]);
    let line = [&chunk[..], b"\n"].concat();
    let mut section: Vec<&[u8]> = vec![b"PVD_BEGIN_MULTILINE\n"];
    section.extend(vec![line.as_slice(); 1000]);
    section.push(b"PVD_END_MULTILINE\nPVD_GET_LIST\n");
    assert_eq!(messages(&section), [Err(BadMessage::TooLong), text("PVD_GET_LIST")]);
    let heard = say(&mut Dialogue::new(None), &mut Fake::default(), vec![b'y'; MESSAGE_MAX + 1]);
    assert_eq!(heard, "", "its end has not come");
}
