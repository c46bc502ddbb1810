// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bounds of the daemon: one more is refused by name, and what is there goes on.
use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};

use super::scene::refused;
use tests::guest::ping;
use tests::skip::skip;
use tests::weftd::Weftd;

const LIMIT: (&str, i64) = ("Limit", 5);

/// Makes a daemon as this file says; `{dir}` stands for its folder.
fn configured(text: &str) -> Weftd {
    let daemon = Weftd::start();
    // Something that is stored, whatever the file says.
    daemon.add_namespace("first");
    let file = daemon.folder().join("large.toml");
    fs::write(&file, text.replace("{dir}", &daemon.folder().display().to_string())).expect("the folder is ours");
    daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    daemon
}

fn namespaces(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, "[[namespace]]\nname = \"n{number}\"\nmacs-max = 64\n").expect("a text grows");
        text
    })
}

#[test]
fn a_namespace_takes_256_ports_and_its_guests_work() {
    let mut text = "[[namespace]]\nname = \"red\"\n".to_owned();
    for number in 0..256 {
        let port =
            format!("[[port]]\nname = \"p{number}\"\nnamespace = \"red\"\nvhost-user = \"{{dir}}/p{number}.sock\"\n");
        // The numbers of the test's guests.
        let mac = format!("mac = \"02:77:65:66:74:{number:02x}\"\n");
        text += &(port + &mac);
    }
    let daemon = configured(&text);
    let path = daemon.port_path("more").display().to_string();
    let add = ["port", "add", "more", "--namespace", "red", "--vhost-user", &path];
    refused(&daemon, &add, LIMIT, &["ports in namespace", "red", "256"]);
    ping(&mut daemon.attach("p1", 1), &mut daemon.attach("p255", 255), 1);
}

#[test]
fn there_are_16384_namespaces_and_no_more() {
    let daemon = configured(&namespaces(16_384));
    refused(&daemon, &["namespace", "add", "more"], LIMIT, &["namespaces", "16384"]);
    let file = daemon.folder().join("larger.toml");
    fs::write(&file, namespaces(16_385)).expect("the folder is ours");
    let error = daemon.refusal(&["config", "apply", &file.display().to_string()]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("16384")), "{error}");
    assert_eq!(daemon.json(&["namespace", "list"]).as_array().map(Vec::len), Some(16_384));
}

#[test]
fn a_namespace_takes_1024_static_entries() {
    let mut text = "[[namespace]]\nname = \"red\"\n[[port]]\nname = \"one\"\nnamespace = \"red\"\n".to_owned();
    text += "vhost-user = \"{dir}/one.sock\"\n";
    for number in 0..1024 {
        let mac = format!("02:01:00:00:{:02x}:{:02x}", number >> 8, number & 0xff);
        text += &format!("[[fdb]]\nnamespace = \"red\"\nmac = \"{mac}\"\nport = \"one\"\n");
    }
    let daemon = configured(&text);
    let add = ["fdb", "add", "02:00:00:00:00:77", "--namespace", "red", "--port", "one"];
    refused(&daemon, &add, LIMIT, &["static MAC entries", "red", "1024"]);
}

/// The MAC table of a namespace may be smaller than what the bounds allow: then the table says no, and all stays.
#[test]
fn a_table_that_is_full_of_static_entries_refuses_the_next() {
    let daemon = configured("[[namespace]]\nname = \"red\"\nmacs-max = 64\n");
    daemon.add_port("red", "one", 1, &[]);
    let add = |number: u32| {
        let mac = format!("02:01:00:00:00:{number:02x}");
        daemon.weft(&["fdb", "add", &mac, "--namespace", "red", "--port", "one"])
    };
    let refused_at = (0..200).find(|number| add(*number).status != 0).expect("64 entries is not 200");
    let before = daemon.json(&["fdb", "list"]);
    let again = add(refused_at);
    assert!(again.status == 5 && again.stderr.contains("Limit"), "{}", again.stderr);
    assert_eq!(daemon.json(&["fdb", "list"]), before);
    let path = daemon.port_path("two").display().to_string();
    let mut ports = (0..100).map(|number| {
        let mac = format!("02:02:00:00:00:{number:02x}");
        let path = format!("{path}{number}");
        let name = format!("two{number}");
        daemon.weft(&["port", "add", &name, "--namespace", "red", "--vhost-user", &path, "--mac", &mac])
    });
    let refused = ports.find(|outcome| outcome.status != 0).expect("a port needs an entry for its own address");
    assert!(refused.status == 5 && refused.stderr.contains("Limit"), "{}", refused.stderr);
    daemon.await_state("one", "down");
}

/// A daemon that may open so many files: soft limit, hard limit.
fn with_files(limit: &str) -> Option<Weftd> {
    if Command::new("prlimit").arg("--version").stdout(Stdio::null()).status().is_err() {
        skip("prlimit (util-linux) is not installed");
        return None;
    }
    let daemon = Weftd::start_under(&["prlimit", &format!("--nofile={limit}")]);
    daemon.add_namespace("red");
    Some(daemon)
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised() {
    let Some(daemon) = with_files("64:4096") else { return };
    (1..=60).for_each(|number| daemon.add_port("red", &format!("p{number}"), number, &[]));
    ping(&mut daemon.attach("p1", 1), &mut daemon.attach("p60", 60), 1);
}

/// Out of descriptors: what needs one is refused with the reason, what is there goes on, and room made is room again.
#[test]
fn a_daemon_without_descriptors_says_so_and_goes_on() {
    let Some(mut daemon) = with_files("128:128") else { return };
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let add = |number: u8| {
        let (name, path) = (format!("p{number}"), daemon.port_path(&format!("p{number}")).display().to_string());
        daemon.weft(&["port", "add", &name, "--namespace", "red", "--vhost-user", &path])
    };
    let refused = (3..100).map(add).find(|outcome| outcome.status != 0).expect("128 descriptors are not enough");
    assert!(refused.status == 65 && refused.stderr.contains("Too many open files"), "{}", refused.stderr);
    ping(&mut one, &mut two, 1);
    daemon.weft(&["port", "del", "p3"]).expect_ok();
    daemon.weft(&["port", "del", "p4"]).expect_ok();
    daemon.weft(&["port", "del", "p5"]).expect_ok();
    daemon.add_port("red", "six", 6, &[]);
    ping(&mut two, &mut one, 2);
    assert!(daemon.alive());
}
