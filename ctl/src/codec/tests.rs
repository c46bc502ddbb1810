// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{Call, CodecError, Decoder, Reply, encode};

fn pull_all(decoder: &mut Decoder<Call>) -> Vec<Call> {
    std::iter::from_fn(|| decoder.pull().unwrap()).collect()
}

fn refused(message: &[u8]) -> CodecError {
    let mut decoder = Decoder::<Call>::new(1 << 20);
    decoder.push(message).unwrap();
    decoder.push(&[0]).unwrap();
    decoder.pull().unwrap_err()
}

#[test]
fn frames_a_call_as_varlink_does() {
    let call = Call { method: "a.b.C".to_owned(), parameters: Some(json!({"x": 1})), more: true, ..Call::default() };
    let mut bytes = Vec::new();
    encode(&call, &mut bytes).unwrap();
    assert_eq!(bytes, b"{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}\0");
}

#[test]
fn several_messages_in_one_push_and_one_in_many() {
    let mut decoder = Decoder::new(100);
    decoder.push(b"{\"method\":\"a\"}\0 {\"method\":\"b\"}\n\0{\"meth").unwrap();
    let names: Vec<String> = pull_all(&mut decoder).into_iter().map(|call| call.method).collect();
    assert_eq!(names, ["a", "b"]);
    for byte in b"od\":\"c\"}" {
        decoder.push(&[*byte]).unwrap();
        assert_eq!(decoder.pull(), Ok(None));
    }
    decoder.push(&[0]).unwrap();
    assert_eq!(decoder.pull().unwrap().unwrap().method, "c");
    assert_eq!((decoder.pending(), decoder.finish()), (0, Ok(())));
}

#[test]
fn flags_may_be_null_and_unknown_members_are_ignored() {
    let mut decoder = Decoder::<Call>::new(1000);
    decoder.push(b"{\"method\":\"a\",\"more\":null,\"parameters\":null,\"extra\":[]}\0").unwrap();
    assert_eq!(decoder.pull(), Ok(Some(Call { method: "a".to_owned(), ..Call::default() })));
}

#[test]
fn a_message_without_end_is_refused_at_the_limit() {
    let mut decoder = Decoder::<Call>::new(64);
    decoder.push(&[b' '; 64]).unwrap();
    assert_eq!(decoder.pull(), Ok(None));
    decoder.push(b" ").unwrap();
    assert_eq!(decoder.pull(), Err(CodecError::TooLong { limit: 64 }));
    assert_eq!(decoder.push(b" "), Err(CodecError::TooLong { limit: 64 }), "and takes no more");
}

#[test]
fn a_complete_message_above_the_limit_is_refused() {
    let mut decoder = Decoder::<Call>::new(8);
    decoder.push(b"{\"method\":\"a\"}\0").unwrap();
    assert_eq!(decoder.pull(), Err(CodecError::TooLong { limit: 8 }));
}

#[test]
fn slowly_dripping_bytes_are_searched_once() {
    let mut decoder = Decoder::<Call>::new(1000);
    for count in 1..=500 {
        decoder.push(b" ").unwrap();
        assert_eq!(decoder.pull(), Ok(None));
        assert_eq!(decoder.scanned, count);
    }
}

#[test]
fn an_end_inside_a_message_is_named() {
    let mut decoder = Decoder::<Call>::new(1000);
    decoder.push(b"{\"method\"").unwrap();
    assert_eq!(decoder.pull(), Ok(None));
    assert_eq!(decoder.finish(), Err(CodecError::Truncated { bytes: 9 }));
}

#[test]
fn hostile_messages_are_refused_by_name() {
    assert_eq!(refused(b"{\"method\":\"\xff\"}"), CodecError::NotUtf8 { valid: 11 });
    let deep = format!("{{\"method\":\"a\",\"parameters\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(refused(deep.as_bytes()), CodecError::TooDeep);
    let endless = "{\"parameters\":".to_owned() + &"{\"a\":".repeat(100_000);
    assert_eq!(refused(endless.as_bytes()), CodecError::TooDeep);
    for wrong in
        ["", " ", "{}", "{", "[\"a\"]", "null", "{\"method\":1}", "{\"method\":\"a\"}{}", "{\"method\":\"a\",}"]
    {
        assert!(matches!(refused(wrong.as_bytes()), CodecError::Malformed { .. }), "{wrong:?}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = proptest::prop_oneof![
        proptest::prelude::Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        proptest::prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn call() -> impl Strategy<Value = Call> {
    let parameters = prop::option::of(json_value().prop_filter("null reads as absent", |value| !value.is_null()));
    (any::<String>(), parameters, any::<[bool; 3]>()).prop_map(|(method, parameters, [more, oneway, upgrade])| Call {
        method,
        parameters,
        more,
        oneway,
        upgrade,
    })
}

proptest! {
    #[test]
    fn calls_survive_any_cutting(calls in prop::collection::vec(call(), 0..5), cut in 1_usize..64) {
        let mut bytes = Vec::new();
        calls.iter().for_each(|call| encode(call, &mut bytes).unwrap());
        let mut decoder = Decoder::new(1 << 20);
        let mut pulled = Vec::new();
        for chunk in bytes.chunks(cut) {
            decoder.push(chunk).unwrap();
            pulled.extend(pull_all(&mut decoder));
        }
        prop_assert_eq!(pulled, calls);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn replies_survive(parameters in json_value(), continues: bool, error in prop::option::of(any::<String>())) {
        let reply = Reply { parameters: Some(parameters).filter(|value| !value.is_null()), continues, error };
        let mut bytes = Vec::new();
        encode(&reply, &mut bytes).unwrap();
        let mut decoder = Decoder::<Reply>::new(1 << 20);
        decoder.push(&bytes).unwrap();
        prop_assert_eq!(decoder.pull(), Ok(Some(reply)));
    }

    #[test]
    fn random_bytes_never_panic_nor_pile_up(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40)) {
        let mut decoder = Decoder::<Call>::new(64);
        for chunk in chunks {
            if decoder.push(&chunk).is_err() || std::iter::from_fn(|| decoder.pull().transpose()).any(|one| one.is_err()) {
                return Ok(());
            }
            assert!(decoder.pending() <= 64 + 40);
        }
    }
}
