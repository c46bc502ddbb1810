// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The start, and what an operator changes afterwards.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use tests::wait::{Deadline, for_ok, for_value, until};
use tests::weftd::toml;

use crate::machine::{Machine, on_each};
use crate::service::{Service, UNIT};

const CONFIG: &str = "/run/weft.toml";

/// Has weftd started with a configuration file, as an operator does.
fn configure(machine: &Machine) {
    let options = format!("WEFTD_OPTIONS=\"--config {CONFIG}\"\n");
    fs::write(machine.path("/etc/default/weftd"), options).expect("it is ours");
}

fn config(more: &str) -> String {
    (toml::namespace("red") + &toml::port("red", "one", 1) + more).replace("{dir}", "/run/weft/ports")
}

/// A file whose text is yet to be written: whoever reads it waits for that.
fn unwritten(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("root may make a pipe");
}

/// Writes it, when somebody reads.
fn write(path: &Path, text: &str) {
    let open = || OpenOptions::new().write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let mut pipe: File = for_ok("weftd to read its configuration", Deadline::patient(), open);
    pipe.write_all(text.as_bytes()).expect("weftd reads it");
}

/// What makes it ready is under the test's control: its configuration.
#[test]
fn it_is_active_once_it_is_ready_and_callers_wait_for_that() {
    on_each(|machine| {
        configure(machine);
        let file = machine.path(CONFIG);
        unwritten(&file);
        let mut start =
            machine.command("systemctl").args(["enable", "--now", "weftd.socket", UNIT]).spawn().expect("it is there");
        let service = Service { machine };
        service.await_property("MainPID", |pid| pid != "0");
        let asks = machine.command("weft").args(["port", "list"]).stdout(Stdio::piped()).spawn().expect("it is there");
        write(&file, &config(""));
        assert!(start.wait().expect("it is ours").success());
        assert_eq!(service.show("ActiveState"), "active");
        let told = asks.wait_with_output().expect("it is ours");
        assert!(told.status.success() && String::from_utf8_lossy(&told.stdout).contains("one"), "{told:?}");
        let said = || machine.journal().lines().find(|line| line.contains("control: ready")).map(str::to_owned);
        let line = for_value("weftd's line in the journal", Deadline::patient(), said);
        assert!(line.contains("]:  INFO backends::control: ready"), "the journal has times of its own: {line}");
    });
}

#[test]
fn a_reload_reads_the_configuration_again() {
    on_each(|machine| {
        configure(machine);
        let write = |text: &str| fs::write(machine.path(CONFIG), text).expect("it is ours");
        write(&config(""));
        let service = Service::start(machine);
        let before = service.show("MainPID");
        write(&config("mtu = 1400\n"));
        machine.systemctl(&["reload", UNIT]);
        until("the change", Deadline::patient(), || service.port("one")["mtu"] == 1400);
        assert_eq!([service.show("ActiveState"), service.show("MainPID")], ["active".to_owned(), before]);
    });
}
