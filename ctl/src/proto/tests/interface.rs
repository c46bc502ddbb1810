// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The interface file, read by the parser of the varlink project, against the Rust types. The samples have every
//! field filled, so the fields of a sample are the fields of its type.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};
use varlink_parser::{IDL, VStruct, VStructOrEnum, VType, VTypeExt};

use crate::codec::Call;
use crate::proto::introspection::{describe, info};
use crate::proto::service::{GetInfo, GetInterfaceDescription, SERVICE};
use crate::proto::v1::{
    Answer, Departure, FactKind, FdbKind, Grant, GuestModel, Handover, InformationState, Lane, MacPolicy, Mode,
    Operation, Poll, Preference, PvdEventKind, RaLearningState, Request, Role, SecondSource, Severity, State, VmmKind,
};
use crate::proto::{INTERFACE, INTERFACE_NAME, Method};
use crate::testing::samples;

fn parsed() -> IDL<'static> {
    IDL::try_from(INTERFACE).unwrap_or_else(|why| panic!("{why}"))
}

/// Asserts that the members of `object` are those of `form`, and of its types.
fn same_struct(idl: &IDL<'_>, form: &VStruct<'_>, object: &Value, whose: &str) {
    let members = object.as_object().unwrap_or_else(|| panic!("{whose} is an object"));
    let there: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let written: BTreeSet<&str> = form.elts.iter().map(|member| member.name).collect();
    assert_eq!(there, written, "members of {whose}: Rust type, interface file");
    for member in &form.elts {
        same_type(idl, &member.vtype, &members[member.name], &format!("{whose}.{}", member.name));
    }
}

fn same_type(idl: &IDL<'_>, form: &VTypeExt<'_>, value: &Value, whose: &str) {
    match form {
        VTypeExt::Option(inner) => same_type(idl, inner, value, whose),
        VTypeExt::Array(inner) => {
            let items = value.as_array().unwrap_or_else(|| panic!("{whose} is an array"));
            // Only the first: the others may leave out what is optional.
            same_type(idl, inner, items.first().unwrap_or_else(|| panic!("{whose} has an item")), whose);
        }
        VTypeExt::Dict(inner) => {
            let members = value.as_object().unwrap_or_else(|| panic!("{whose} is a map"));
            members.values().for_each(|item| same_type(idl, inner, item, whose));
        }
        VTypeExt::Plain(VType::Bool) => assert!(value.is_boolean(), "{whose}"),
        VTypeExt::Plain(VType::Int) => assert!(value.is_i64(), "{whose}"),
        VTypeExt::Plain(VType::String) => assert!(value.is_string(), "{whose}"),
        VTypeExt::Plain(VType::Typename(name)) => match &idl.typedefs[name].elt {
            VStructOrEnum::VStruct(form) => same_struct(idl, form, value, name),
            VStructOrEnum::VEnum(form) => assert!(form.elts.contains(&value.as_str().unwrap()), "{whose}"),
        },
        VTypeExt::Plain(_) => panic!("{whose} has a type that the interface does not use"),
    }
}

#[test]
fn methods_and_replies_are_those_of_the_file() {
    let idl = parsed();
    let exchanges = samples::exchanges();
    assert_eq!(idl.name, INTERFACE_NAME);
    assert_eq!(exchanges.len(), idl.methods.len());
    for exchange in &exchanges {
        let name = exchange.method.rsplit('.').next().unwrap();
        let method = &idl.methods[name];
        assert!(!method.doc.is_empty(), "{name} has a comment");
        same_struct(&idl, &method.input, &exchange.parameters, name);
        same_struct(&idl, &method.output, &exchange.reply, name);
    }
}

#[test]
fn what_the_file_calls_optional_may_be_left_out_and_nothing_else() {
    let idl = parsed();
    for exchange in samples::exchanges() {
        for member in &idl.methods[exchange.method.rsplit('.').next().unwrap()].input.elts {
            let mut parameters = exchange.parameters.clone();
            parameters.as_object_mut().unwrap().remove(member.name);
            let call = Call { method: exchange.method.to_owned(), parameters: Some(parameters), ..Call::default() };
            let optional = matches!(member.vtype, VTypeExt::Option(_));
            assert_eq!(Request::parse(&call).is_ok(), optional, "{}.{}", exchange.method, member.name);
        }
    }
}

#[test]
fn errors_are_those_of_the_file() {
    let idl = parsed();
    let errors = samples::errors();
    assert_eq!(errors.len(), idl.errors.len());
    for error in errors {
        let (name, fields) = error.to_wire();
        let form = &idl.errors[name.rsplit('.').next().unwrap()];
        assert!(!form.doc.is_empty(), "{name} has a comment");
        same_struct(&idl, &form.parm, &fields, &name);
    }
}

#[test]
fn enumerations_are_those_of_the_file() {
    fn hold<T: Serialize>(idl: &IDL<'_>, name: &str, all: &[T]) {
        let VStructOrEnum::VEnum(form) = &idl.typedefs[name].elt else { panic!("{name} is an enumeration") };
        assert_eq!(json!(all), json!(form.elts), "{name}");
    }
    let idl = parsed();
    hold(&idl, "Mode", &[Mode::Server, Mode::Client]);
    hold(&idl, "Role", &[Role::Host, Role::Router, Role::Uplink, Role::Monitor]);
    hold(&idl, "Grant", &[Grant::Reader, Grant::Admin]);
    hold(&idl, "Answer", &[Answer::Off, Answer::WhenSilent, Answer::Always]);
    hold(&idl, "SecondSource", &[SecondSource::Accept, SecondSource::Alert, SecondSource::Deny]);
    hold(&idl, "MacPolicy", &[MacPolicy::Own, MacPolicy::Any]);
    hold(&idl, "Preference", &[Preference::Low, Preference::Medium, Preference::High]);
    use RaLearningState::{Blocking, Forwarding, Learning};
    hold(&idl, "RaLearningState", &[Learning, Blocking, Forwarding]);
    hold(&idl, "State", &[State::Down, State::Connecting, State::Up, State::Broken]);
    hold(&idl, "FdbKind", &[FdbKind::Port, FdbKind::Static, FdbKind::Learned, FdbKind::Away]);
    let facts = [FactKind::Prefix, FactKind::Route, FactKind::Rdnss, FactKind::Dnssl, FactKind::Pref64];
    hold(&idl, "FactKind", &facts);
    use InformationState::{Failed, Fetched, Fetching, Waiting};
    hold(&idl, "InformationState", &[Waiting, Fetching, Fetched, Failed]);
    use GuestModel::{Auto, Bond, HostLane, Netvsc, Standby};
    hold(&idl, "GuestModel", &[Auto, Standby, Netvsc, Bond, HostLane]);
    hold(&idl, "Handover", &[Handover::Staged, Handover::Leaving, Handover::Moved]);
    use Departure::{Gone, Runs, Stays, Stopped};
    hold(&idl, "Departure", &[Runs, Stopped, Gone, Stays]);
    hold(&idl, "VmmKind", &[VmmKind::None, VmmKind::Qmp, VmmKind::CloudHypervisor]);
    hold(&idl, "Lane", &[Lane::Synthetic, Lane::Vf]);
    hold(&idl, "Severity", &[Severity::Warning, Severity::Error]);
    let kinds = [PvdEventKind::New, PvdEventKind::Update, PvdEventKind::Delete, PvdEventKind::Fetched];
    hold(&idl, "PvdEventKind", &kinds);
    hold(&idl, "Poll", &[Poll::Adaptive, Poll::Always, Poll::Never]);
    hold(&idl, "Operation", &[Operation::Add, Operation::Del, Operation::Change]);
    let enumerations = idl.typedefs.values().filter(|kind| matches!(kind.elt, VStructOrEnum::VEnum(_)));
    assert_eq!(enumerations.count(), 21, "every enumeration of the file is held above");
    assert!(idl.typedefs.values().all(|kind| !kind.doc.is_empty()), "every type has a comment");
}

#[test]
fn the_introspection_interface_is_the_one_of_varlink() {
    let idl = IDL::try_from(SERVICE).unwrap_or_else(|why| panic!("{why}"));
    let method = |name: &str| &idl.methods[name.rsplit('.').next().unwrap()];
    same_struct(&idl, &method(GetInfo::NAME).output, &json!(info("0.1.0")), "GetInfo");
    let described = json!(describe(INTERFACE_NAME).unwrap());
    same_struct(&idl, &method(GetInterfaceDescription::NAME).output, &described, "GetInterfaceDescription");
    same_struct(&idl, &method(GetInfo::NAME).input, &Value::Object(Map::new()), "GetInfo");
}
