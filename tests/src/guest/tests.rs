// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest against the reference hub.
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::reference::{Port, mailboxes};
use super::{GuestOptions, Side, SyntheticGuest, feature, ping};
use crate::frames::{BROADCAST, number_of, numbered};
use crate::frontend::script::Order;
use crate::memory::{Backing, Layout, Range};
use crate::wait::{Deadline, for_ok};

fn options(name: &str, number: u8, order: Order) -> GuestOptions {
    GuestOptions { order, ..GuestOptions::new(name, number) }
}

fn attach(path: &Path, options: GuestOptions) -> SyntheticGuest {
    SyntheticGuest::attach(path, options).unwrap()
}

#[test]
fn two_guests_ping_in_either_order_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for order in Order::ALL {
        let (mail, paths) = (mailboxes(), [0, 1].map(|port| folder.path().join(format!("{order:?}-{port}"))));
        let serve = |port: usize| {
            let _ = std::fs::remove_file(&paths[port]);
            Port::serve(port, &mail, Port::accept(UnixListener::bind(&paths[port]).unwrap()))
        };
        let ports = [serve(0), serve(1)];
        let mut one = attach(&paths[0], GuestOptions { queue_pairs: 2, ..options("one", 1, order) });
        let mut two = attach(&paths[1], GuestOptions { layout: Layout::holed(1 << 26), ..options("two", 2, order) });
        (1..20).for_each(|sequence| ping(&mut one, &mut two, sequence));
        drop(ports);
        let _ports = [serve(0), serve(1)];
        one.hang_up();
        one.reconnect(Deadline::patient());
        two.reconnect(Deadline::patient());
        (20..300).for_each(|sequence| ping(&mut one, &mut two, sequence));
        one.drain(Deadline::patient());
        one.detach().unwrap();
    }
}

#[test]
fn what_is_sent_while_the_switch_is_away_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mail, paths) = (mailboxes(), ["one", "two"].map(|port| folder.path().join(port)));
    let serve = |port: usize| {
        let _ = std::fs::remove_file(&paths[port]);
        Port::serve(port, &mail, Port::accept(UnixListener::bind(&paths[port]).unwrap()))
    };
    let (port, _other) = (serve(0), serve(1));
    let mut one = attach(&paths[0], options("one", 1, Order::CloudHypervisor));
    let mut two = attach(&paths[1], options("two", 2, Order::Qemu));
    drop(port);
    (0..100).for_each(|number| one.send(&numbered(BROADCAST, one.mac(), number, 200)));
    let _port = serve(0);
    one.reconnect(Deadline::patient());
    one.drain(Deadline::patient());
    let mut seen = Vec::new();
    two.recv_until(Deadline::patient(), |received| {
        seen.extend(number_of(&received.frame));
        seen.len() == 100
    });
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_listening_frontend_waits_for_the_switch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm");
    let connect = {
        let path = path.clone();
        move || for_ok("the frontend to listen", Deadline::patient(), || UnixStream::connect(&path))
    };
    let _port = Port::serve(0, &mailboxes(), connect);
    let guest = attach(&path, GuestOptions { side: Side::Listens, ..GuestOptions::new("listener", 1) });
    assert!(guest.features() & feature::VERSION_1 != 0);
    assert_eq!((guest.queue_num(), guest.config().len()), (Some(8), 0));
}

#[test]
fn memory_is_plugged_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vm");
    let _port = Port::serve(0, &mailboxes(), Port::accept(UnixListener::bind(&path).unwrap()));
    let layout = Layout::flat(1 << 26).backed_by(Backing::Unsealed);
    let mut guest = attach(&path, GuestOptions { layout, ..GuestOptions::new("vm", 1) });
    let region = guest.add_memory(Range { gpa: 1 << 33, size: 1 << 21 }).unwrap();
    guest.truncate_memory(region, 4096).unwrap();
    guest.pause(true).unwrap();
    guest.pause(false).unwrap();
    guest.detach().unwrap();
}
