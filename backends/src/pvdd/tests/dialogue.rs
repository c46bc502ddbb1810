// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Questions and their answers.

use super::{Fake, hear, looking, say};
use crate::ctl_server::access::Access;
use crate::pvdd::{Dialogue, SUBSCRIPTIONS_MAX};
use serde_json::{Value, json};
use switch::Statement;

fn object(name: &str) -> String {
    format!(
        "PVD_BEGIN_MULTILINE\nPVD_ATTRIBUTES {name}\n{:#}\nPVD_END_MULTILINE\n",
        json!({ "name": name, "hFlag": 0 })
    )
}

#[test]
fn the_list_has_all_names_on_one_line() {
    let mut client = looking();
    assert_eq!(say(&mut client, &mut Fake::default(), "PVD_GET_LIST\n"), "PVD_LIST\n");
    let names: Vec<String> = (0..4096).map(|i| format!("pvd{i:04}.example.")).collect();
    let mut all = Fake::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let heard = say(&mut client, &mut all, "PVD_GET_LIST\r\n");
    assert_eq!(heard, format!("PVD_LIST {}\n", names.join(" ")), "more than any buffer of 2048 bytes holds");
}

#[test]
fn attributes_are_told_in_several_lines() {
    let (mut client, mut desk) = (looking(), Fake::with(&["a.example.", "b.example."]));
    for name in ["a.example.", "A.example", "a.EXAMPLE."] {
        assert_eq!(say(&mut client, &mut desk, format!("PVD_GET_ATTRIBUTES {name}\n")), object("a.example."));
    }
    let both = object("a.example.") + &object("b.example.");
    assert_eq!(say(&mut client, &mut desk, "PVD_GET_ATTRIBUTES *\n"), both);
    let one = say(&mut client, &mut desk, "PVD_GET_ATTRIBUTE b.example hFlag\n");
    assert_eq!(one, "PVD_BEGIN_MULTILINE\nPVD_ATTRIBUTE b.example. hFlag\n0\nPVD_END_MULTILINE\n");
    let none = say(&mut client, &mut desk, "PVD_GET_ATTRIBUTE b.example nothing\n");
    assert_eq!(none, "PVD_BEGIN_MULTILINE\nPVD_ATTRIBUTE b.example. nothing\nnull\nPVD_END_MULTILINE\n");
}

#[test]
fn an_answer_about_all_goes_out_part_by_part() {
    let names: Vec<String> = (0..1000).map(|i| format!("pvd{i:04}.example.")).collect();
    let mut desk = Fake::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut client = looking();
    client.push(b"PVD_GET_ATTRIBUTES *\nPVD_GET_ATTRIBUTE pvd0001.example hFlag\n");
    let (mut parts, mut heard) = (0, String::new());
    while client.advance(&mut desk) {
        let part = client.to_send();
        assert!(part.len() < 16 << 10, "a part is small however many there are");
        heard += std::str::from_utf8(part).unwrap();
        client.sent();
        parts += 1;
    }
    assert!(parts > 10 && heard.matches("PVD_ATTRIBUTES pvd").count() == 1000);
    assert!(heard.trim_end().ends_with("PVD_ATTRIBUTE pvd0001.example. hFlag\n0\nPVD_END_MULTILINE"), "in order");
}

#[test]
fn an_implicit_pvd_is_found_by_its_router_however_that_is_written() {
    let (mut client, mut desk) = (looking(), Fake::with(&["fe80::1%vm1"]));
    let heard = say(&mut client, &mut desk, "PVD_GET_ATTRIBUTES fe80:0000:0000:0000:0000:0000:0000:0001%vm1\n");
    assert_eq!(heard, object("fe80::1%vm1"));
}

#[test]
fn a_binary_connection_has_lengths_and_no_lines_around() {
    let (mut client, mut desk) = (looking(), Fake::with(&["a.example."]));
    client.push(b"PVD_CONNECTION_PROMOTE_BINARY\nPVD_GET_LIST\nPVD_GET_ATTRIBUTE a.example name\nPVD_NONSENSE\n");
    let mut octets = Vec::new();
    while client.advance(&mut desk) {
        octets.extend_from_slice(client.to_send());
        client.sent();
    }
    let (mut rest, mut messages) = (octets.as_slice(), Vec::new());
    while let Some((length, tail)) = rest.split_first_chunk() {
        let (message, tail) = tail.split_at(i32::from_ne_bytes(*length) as usize);
        messages.push(std::str::from_utf8(message).unwrap());
        rest = tail;
    }
    assert_eq!(messages[..2], ["PVD_LIST a.example.\n", "PVD_ATTRIBUTE a.example. name\n\"a.example.\"\n"]);
    assert!(messages[2].starts_with("PVD_ERROR unknown PVD_NONSENSE: ") && rest.is_empty());
}

#[test]
fn whatever_cannot_be_done_is_answered() {
    let (mut client, mut desk) = (looking(), Fake::with(&["a.example."]));
    for (said, heard) in [
        ("PVD_GET_ATTRIBUTES b.example", "PVD_ERROR no-pvd PVD_GET_ATTRIBUTES: there is no PvD \"b.example.\""),
        ("PVD_GET_ATTRIBUTE b.example id", "PVD_ERROR no-pvd PVD_GET_ATTRIBUTE: there is no PvD \"b.example.\""),
        (
            "PVD_GET_ATTRIBUTE a.example",
            "PVD_ERROR invalid PVD_GET_ATTRIBUTE: behind it stands the name of a PvD and that of an attribute",
        ),
        ("PVD_GET_ATTRIBUTES", "PVD_ERROR invalid PVD_GET_ATTRIBUTES: behind it stands the name of a PvD, or *"),
        ("PVD_GET_LIST all", "PVD_ERROR invalid PVD_GET_LIST: behind it stands nothing"),
        ("PVD_SUBSCRIBE a..b", "PVD_ERROR invalid PVD_SUBSCRIBE: \"a..b\" is not the name of a PvD"),
        ("PVD_HELP", "PVD_ERROR unknown PVD_HELP: no such verb"),
        ("PVD_END_MULTILINE", "PVD_ERROR invalid message: PVD_END_MULTILINE without PVD_BEGIN_MULTILINE"),
        ("PVD_CREATE_PVD 0 c.example", "PVD_ERROR refused PVD_CREATE_PVD: say PVD_CONNECTION_PROMOTE_CONTROL first"),
        (
            "PVD_CONNECTION_PROMOTE_CONTROL",
            "PVD_ERROR refused PVD_CONNECTION_PROMOTE_CONTROL: only root and members of the group of weft may",
        ),
    ] {
        assert_eq!(say(&mut client, &mut desk, format!("{said}\n")), format!("{heard}\n"));
    }
}

#[test]
fn who_may_not_look_sees_nothing_and_is_told_so() {
    let (mut client, mut desk) = (Dialogue::new(Some(Access::None)), Fake::with(&["a.example."]));
    for said in ["PVD_GET_LIST\n", "PVD_SUBSCRIBE *\n", "PVD_GET_ATTRIBUTES *\n", "PVD_CONNECTION_PROMOTE_CONTROL\n"] {
        assert!(say(&mut client, &mut desk, said).starts_with("PVD_ERROR refused "), "{said}");
    }
}

#[test]
fn nobody_is_promoted_without_credentials() {
    let mut desk = Fake::default();
    let heard = say(&mut Dialogue::new(None), &mut desk, "PVD_CONNECTION_PROMOTE_CONTROL\nPVD_GET_LIST\n");
    let why = "over TCP nobody is known; connect to a Unix socket";
    assert_eq!(heard, format!("PVD_ERROR refused PVD_CONNECTION_PROMOTE_CONTROL: {why}\nPVD_LIST\n"));
    let mut administrator = Dialogue::new(Some(Access::Administer));
    assert_eq!(say(&mut administrator, &mut desk, "PVD_CONNECTION_PROMOTE_CONTROL\n"), "");
    assert!(say(&mut administrator, &mut desk, "PVD_GET_LIST\n").starts_with("PVD_ERROR refused "), "changes only");
}

#[test]
fn what_comes_and_goes_is_told_to_those_who_asked() {
    let (mut client, mut other, mut desk) = (looking(), looking(), Fake::with(&["a.example."]));
    assert_eq!(say(&mut client, &mut desk, "PVD_SUBSCRIBE_NOTIFICATIONS\n"), "", "what was there before is no news");
    desk.put("b.example.", json!({}));
    desk.put("a.example.", json!({ "hFlag": 1 }));
    assert_eq!(hear(&mut client, &mut desk), "PVD_NEW_PVD b.example.\nPVD_LIST a.example. b.example.\n");
    desk.take("a.example.");
    desk.take("b.example.");
    assert_eq!(hear(&mut client, &mut desk), "PVD_DEL_PVD a.example.\nPVD_DEL_PVD b.example.\nPVD_LIST\n");
    assert_eq!(hear(&mut client, &mut desk) + &hear(&mut other, &mut desk), "");
    say(&mut client, &mut desk, "PVD_UNSUBSCRIBE_NOTIFICATIONS\n");
    desk.put("c.example.", json!({}));
    assert_eq!(hear(&mut client, &mut desk), "");
}

#[test]
fn changes_are_told_of_those_that_were_asked_for() {
    let (mut one, mut all, mut desk) = (looking(), looking(), Fake::with(&["a.example.", "b.example."]));
    assert_eq!(say(&mut one, &mut desk, "PVD_SUBSCRIBE A.example\nPVD_SUBSCRIBE late.example\n"), "");
    assert_eq!(say(&mut all, &mut desk, "PVD_SUBSCRIBE *\n"), "");
    (0..3).for_each(|_| desk.put("a.example.", json!({ "name": "a.example.", "hFlag": 0 })));
    desk.put("b.example.", json!({ "name": "b.example.", "hFlag": 0 }));
    assert_eq!(hear(&mut one, &mut desk), object("a.example."), "once, as it is now");
    assert_eq!(hear(&mut all, &mut desk), object("a.example.") + &object("b.example."));
    desk.put("late.example.", json!({ "name": "late.example.", "hFlag": 0 }));
    assert_eq!(hear(&mut one, &mut desk), object("late.example."), "also of one that was not there yet");
    say(&mut one, &mut desk, "PVD_UNSUBSCRIBE a.example\n");
    say(&mut all, &mut desk, "PVD_UNSUBSCRIBE *\n");
    desk.put("a.example.", json!({}));
    assert_eq!(hear(&mut one, &mut desk) + &hear(&mut all, &mut desk), "");
}

#[test]
fn who_was_too_slow_is_told_that_news_are_lost() {
    let (mut client, mut desk) = (looking(), Fake::default());
    say(&mut client, &mut desk, "PVD_SUBSCRIBE_NOTIFICATIONS\n");
    (0..100).for_each(|i| desk.put(&format!("pvd{i}.example."), Value::Object(Default::default())));
    desk.forgotten = 50;
    let heard = hear(&mut client, &mut desk);
    assert!(heard.starts_with("PVD_ERROR missed notifications: ") && heard.contains("\nPVD_LIST pvd0.example. "));
    desk.take("pvd7.example.");
    assert!(hear(&mut client, &mut desk).starts_with("PVD_DEL_PVD pvd7.example.\n"), "and then it goes on");
}

#[test]
fn a_client_subscribes_to_a_bounded_number_by_name() {
    let (mut client, mut desk) = (looking(), Fake::default());
    for i in 0..SUBSCRIPTIONS_MAX {
        assert_eq!(say(&mut client, &mut desk, format!("PVD_SUBSCRIBE pvd{i}.example\n")), "");
    }
    assert!(say(&mut client, &mut desk, "PVD_SUBSCRIBE more.example\n").starts_with("PVD_ERROR limit PVD_SUBSCRIBE: "));
    assert_eq!(say(&mut client, &mut desk, "PVD_UNSUBSCRIBE pvd0.example\nPVD_SUBSCRIBE more.example\n"), "");
}

#[test]
fn a_transaction_says_all_at_once_or_nothing() {
    let (mut client, mut desk) = (Dialogue::new(Some(Access::Administer)), Fake::default());
    say(&mut client, &mut desk, "PVD_CONNECTION_PROMOTE_CONTROL\n");
    assert_eq!(say(&mut client, &mut desk, "PVD_CREATE_PVD 0 Work.example\nPVD_BEGIN_TRANSACTION work.example\n"), "");
    let several =
        "PVD_BEGIN_MULTILINE\nPVD_SET_ATTRIBUTE work.example rdnss\n[\n\"2001:db8::53\"\n]\nPVD_END_MULTILINE\n";
    assert_eq!(say(&mut client, &mut desk, several), "");
    assert_eq!(say(&mut client, &mut desk, "PVD_SET_ATTRIBUTE work.example hFlag 1\n"), "");
    let wrong =
        say(&mut client, &mut desk, "PVD_SET_ATTRIBUTE work.example lFlag {\nPVD_SET_ATTRIBUTE work.example id 1\n");
    assert_eq!(wrong.matches("PVD_ERROR failed PVD_SET_ATTRIBUTE: ").count(), 2, "{wrong}");
    assert_eq!(desk.said["work.example."], Statement::default(), "it has not ended");
    assert_eq!(say(&mut client, &mut desk, "PVD_END_TRANSACTION work.example\n"), "");
    let said = &desk.said["work.example."];
    assert!(said.flags.http && said.facts.len() == 1);
    assert_eq!(say(&mut client, &mut desk, "PVD_UNSET_ATTRIBUTE work.example rdnss\n"), "");
    assert!(desk.said["work.example."].facts.is_empty());
    for late in [
        "PVD_SET_ATTRIBUTE work.example hFlag 0",
        "PVD_END_TRANSACTION work.example",
        "PVD_BEGIN_TRANSACTION b.example",
    ] {
        assert!(say(&mut client, &mut desk, format!("{late}\n")).starts_with("PVD_ERROR failed "), "{late}");
    }
    assert_eq!(say(&mut client, &mut desk, "PVD_REMOVE_PVD work.example\n"), "");
    assert!(desk.said.is_empty());
}

#[test]
fn a_transaction_takes_nothing_back_that_somebody_else_said_meanwhile() {
    let (mut client, mut desk) = (Dialogue::new(Some(Access::Administer)), Fake::default());
    say(&mut client, &mut desk, "PVD_CONNECTION_PROMOTE_CONTROL\nPVD_CREATE_PVD 0 a.example\n");
    say(&mut client, &mut desk, "PVD_BEGIN_TRANSACTION a.example\nPVD_SET_ATTRIBUTE a.example hFlag 1\n");
    let others = Statement { parameters: pvd::Parameters { mtu: 1400, ..Default::default() }, ..Statement::default() };
    desk.said.insert("a.example.".to_owned(), others.clone());
    let refused = say(&mut client, &mut desk, "PVD_END_TRANSACTION a.example\n");
    assert!(
        refused.starts_with("PVD_ERROR failed PVD_END_TRANSACTION: ") && refused.contains("begin anew"),
        "{refused}"
    );
    assert_eq!(desk.said["a.example."], others);
}

#[test]
fn others_have_their_turn_after_each_change() {
    let (mut client, mut desk) = (Dialogue::new(Some(Access::Administer)), Fake::default());
    say(&mut client, &mut desk, "PVD_CONNECTION_PROMOTE_CONTROL\n");
    client.push(b"PVD_CREATE_PVD 0 a.example\nPVD_CREATE_PVD 0 b.example\n");
    assert!(client.advance(&mut desk) && client.to_send().is_empty());
    assert_eq!(desk.said.len(), 1);
    assert!(client.advance(&mut desk) && !client.advance(&mut desk));
    assert_eq!(desk.said.len(), 2);
}
