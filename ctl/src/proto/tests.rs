// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Holds the wire types against the interface file and against the checked-in documents.

mod golden;
mod interface;

use serde_json::json;

use super::v1::{Error, METHODS, PortDel, Request, ServiceError, Status};
use super::{INTERFACE_NAME, introspection};
use crate::codec::{Call, Reply};
use crate::testing::samples;

#[test]
fn every_method_is_parsed_from_its_own_parameters() {
    let exchanges = samples::exchanges();
    let called: Vec<&str> = exchanges.iter().map(|exchange| exchange.method).collect();
    assert_eq!(called, METHODS, "one sample a method");
    for exchange in exchanges {
        let call = Call {
            method: exchange.method.to_owned(),
            parameters: Some(exchange.parameters.clone()),
            ..Call::default()
        };
        assert!(Request::parse(&call).is_ok(), "{}", exchange.method);
        let mut wrong = call;
        wrong.parameters.as_mut().unwrap()["extra"] = json!(1);
        let refused = Request::parse(&wrong).unwrap_err();
        assert!(matches!(refused, Error::Service(ServiceError::InvalidParameter { .. })), "{refused:?}");
    }
}

#[test]
fn absent_and_null_mean_the_same() {
    let call = |parameters| Call { method: format!("{INTERFACE_NAME}.Status"), parameters, ..Call::default() };
    for none in [None, Some(json!(null)), Some(json!({}))] {
        assert_eq!(Request::parse(&call(none)), Ok(Request::Status(Status {})));
    }
    let call = Call {
        method: format!("{INTERFACE_NAME}.PortDel"),
        parameters: Some(json!({"name": "vm1", "force": null})),
        ..Call::default()
    };
    let expected = PortDel { name: "vm1".to_owned(), ..PortDel::default() };
    assert_eq!(Request::parse(&call), Ok(Request::PortDel(expected)));
}

#[test]
fn wrong_calls_get_the_error_that_varlink_asks_for() {
    let parse = |method: &str, parameters| {
        let call = Call { method: method.to_owned(), parameters, ..Call::default() };
        Request::parse(&call).unwrap_err().to_wire()
    };
    let unknown = parse("org.weft.Switch1.Fly", None);
    assert_eq!(unknown.0, "org.varlink.service.MethodNotFound");
    assert_eq!(unknown.1, json!({"method": "org.weft.Switch1.Fly"}));
    let foreign = parse("org.example.Fly", None);
    assert_eq!(foreign, ("org.varlink.service.InterfaceNotFound".to_owned(), json!({"interface": "org.example"})));
    assert_eq!(parse("", None).0, "org.varlink.service.InterfaceNotFound");
    for wrong in [None, Some(json!({"name": 1})), Some(json!(["vm1"])), Some(json!("vm1"))] {
        assert_eq!(parse("org.weft.Switch1.PortDel", wrong).0, "org.varlink.service.InvalidParameter");
    }
}

#[test]
fn errors_survive_the_wire() {
    for error in samples::errors() {
        let reply = Reply::error(&error);
        let name = reply.error.unwrap();
        assert!(name.starts_with("org.weft.Switch1."), "{name}");
        assert_eq!(Error::from_wire(&name, reply.parameters.as_ref()), error);
    }
    let newer = Error::from_wire("org.weft.Switch1.Tired", Some(&json!({"since_s": 3})));
    assert_eq!(newer.message(), "org.weft.Switch1.Tired {\"since_s\":3}");
    let odd = Error::from_wire("org.weft.Switch1.NotFound", Some(&json!([1])));
    assert_eq!(odd.message(), "org.weft.Switch1.NotFound");
}

#[test]
fn errors_say_what_happened_and_what_to_do() {
    let texts: Vec<String> = samples::errors().iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], "port \"p9\" not found\nhint: `weft port list` shows what exists");
    let ambiguous =
        "port \"vm1\" is ambiguous: it could be red:vm1, red/dev:vm1 or one of 3 more\nhint: say NAMESPACE:NAME";
    assert_eq!(texts[1], ambiguous);
    assert_eq!(texts[4], "mac \"x\" is not valid: expected 02:00:00:00:00:01");
    let quota = "namespace \"red\" and all below it may have no more: its quota is ports=64\n\
                 hint: `weft namespace set red --quota ports=N` raises it";
    assert_eq!(texts[6], quota);
    assert_eq!(texts[8], "weft.toml:7: port.vm1.mtu: expected a number");
    let above = Error::Limit { what: "ports".into(), limit: 1, quota: Some("/".into()) };
    assert_eq!(above.hint(), None, "whoever has the namespace cannot raise what is said of it above");
    let whole = Error::Config { file: "f".into(), line: 0, key: String::new(), message: "empty".into() };
    assert_eq!(whole.message(), "f: empty");
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let codes: Vec<u8> = samples::errors().iter().map(Error::exit_code).collect();
    assert_eq!(codes, [2, 6, 5, 5, 1, 4, 5, 5, 1, 65]);
}

#[test]
fn introspection_describes_both_interfaces() {
    for interface in introspection::info("0.1.0").interfaces {
        let text = introspection::describe(&interface).unwrap().description;
        assert!(text.contains(&format!("\ninterface {interface}\n")), "{interface}");
    }
    assert!(introspection::describe("org.example").is_err());
}
