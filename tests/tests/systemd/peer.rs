// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft-peer.service`: ports come from another host to the weftd of the machine.

use std::fs;
use std::path::Path;

use tests::https::Authority;
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, binary};

use crate::machine::{Machine, on_each};
use crate::service::Service;

const PEER: &str = "weft-peer.service";

/// The machine, and the host that it lets in.
const NAMES: [&str; 2] = ["there.example", "here.example"];
const ADDRESS: &str = "127.0.0.1:4700";
const SOCKET: &str = "/run/weft/moving.sock";

/// Writes what somebody shows of himself.
fn show(folder: &Path, authority: &Authority, name: &str) {
    fs::create_dir_all(folder).expect("it is ours");
    let [certificate, key] = authority.identity(&[name], false);
    for (file, text) in [("cert.pem", certificate), ("key.pem", key), ("ca.pem", authority.pem().to_owned())] {
        fs::write(folder.join(file), text).expect("the folder is ours");
    }
}

/// Starts it as an operator does who lets one host in.
fn listen(machine: &Machine, authority: &Authority) {
    show(&machine.path("/etc/weft/peer"), authority, NAMES[0]);
    let options = format!("WEFT_PEER_OPTIONS=\"--listen {ADDRESS} --allow {}\"\n", NAMES[1]);
    fs::write(machine.path("/etc/default/weft-peer"), options).expect("it is ours");
    machine.systemctl(&["start", PEER]);
    until("weft-peer to listen", Deadline::patient(), || machine.journal().contains("listening at"));
}

#[test]
fn a_port_comes_by_a_peer_that_is_nobody_in_particular() {
    on_each(|machine| {
        let (service, authority) = (Service::start(machine), Authority::new());
        service.weft(&["namespace", "add", "red"]).expect_ok();
        listen(machine, &authority);
        let here = Weftd::start();
        here.add_namespace("red");
        here.add_port("red", "moving", 1, &[]);
        show(here.folder(), &authority, NAMES[1]);
        let file = |name: &str| here.folder().join(name).display().to_string();
        let (control, to) = (file("ctl.sock"), format!("tls:{ADDRESS}"));
        let way = ["--socket", &control, "migrate", "prepare", "moving", "--vhost-user", SOCKET, "--to", &to];
        let shown =
            ["--peer", NAMES[0], "--cert", &file("cert.pem"), "--key", &file("key.pem"), "--ca", &file("ca.pem")];
        let weft = binary("weft").display().to_string();
        let told = machine.outside(&weft, &[&way[..], &shown].concat()).expect_ok();
        assert!(told.starts_with("red:moving: staged"), "{told}");
        assert_eq!(service.port("moving")["handover"], "staged");
        service.attach("moving", 1, SOCKET);
        assert_eq!(machine.systemctl(&["show", "--value", "--property", "ActiveState", PEER]), "active\n");
    });
}
