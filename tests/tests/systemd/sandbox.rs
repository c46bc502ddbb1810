// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the unit keeps weftd from, and what weftd has to be able to do all the same.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use tests::guest::ping;
use tests::wait::{Deadline, until};

use crate::machine::on_each;
use crate::service::Service;

/// The group of administrators, which the machine has (`machine.sh`).
const WEFT: u32 = 900;
const TENANT: u32 = 1000;
const GROUP: u32 = 1234;

#[test]
fn sockets_are_made_for_whom_they_are_meant() {
    on_each(|machine| {
        let service = Service::start(machine);
        let control = fs::metadata(service.path("/run/weft/ctl.sock")).expect("it is there");
        // The group `weft` administers, and others may look.
        assert_eq!((control.gid(), control.permissions().mode() & 0o777), (WEFT, 0o666));
        // As the README has it: the group of the directory is that of its sockets.
        let directory = service.path("/run/weft/red");
        fs::create_dir(&directory).and_then(|()| chown(&directory, None, Some(GROUP))).expect("they are ours");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o2750)).expect("it is ours");
        let mut guests = service.couple();
        service.add_port("three", 3, "/run/weft/red/three.sock");
        let socket = fs::metadata(service.path("/run/weft/red/three.sock")).expect("it is there");
        assert_eq!((socket.gid(), socket.permissions().mode() & 0o777), (GROUP, 0o660));
        let mut three = service.attach("three", 3, "/run/weft/red/three.sock");
        ping(&mut guests.one, &mut three, 1);
        let tenant = TENANT.to_string();
        let to = ["namespace", "delegate", "red", "--listen", "/run/weft/red.sock", "--uid", &tenant];
        service.weft(&to).expect_ok();
        let add = ["--socket", "/run/weft/red.sock", "port", "add", "four", "--namespace", "/"];
        service.weft(&[&add[..], &["--vhost-user", "/run/weft/red.sock.d/four.sock"]].concat()).expect_ok();
        let theirs = ["/run/weft/red.sock.d", "/run/weft/red.sock.d/four.sock"];
        let owners = theirs.map(|path| fs::metadata(service.path(path)).expect("it is there").uid());
        assert_eq!(owners, [TENANT; 2]);
    });
}

#[test]
fn netdevs_of_the_host_are_within_reach_and_its_files_are_not() {
    on_each(|machine| {
        let service = Service::start(machine);
        service.weft(&["namespace", "add", "red"]).expect_ok();
        let ip = |words: &str| machine.outside("ip", &words.split(' ').collect::<Vec<_>>()).expect_ok();
        ip("link add up0 type veth peer name down0");
        ip("link set down0 up");
        for (netdev, kind) in [("tap0", "tap"), ("up0", "packet")] {
            let lane = format!("{kind}:{netdev}");
            service.weft(&["port", "add", kind, "--namespace", "red", "--lane", &lane, "--role", "uplink"]).expect_ok();
            until("the netdev to be there", Deadline::patient(), || {
                machine.outside("ip", &["link", "set", netdev, "up"]).status == 0
            });
            until("the lane to be up", Deadline::patient(), || service.port(kind)["state"] == "up");
        }
        let refused = service.weft(&["port", "add", "out", "--namespace", "red", "--vhost-user", "/etc/out.sock"]);
        assert!(refused.status != 0 && refused.stderr.contains("Read-only"), "{}", refused.stderr);
    });
}
