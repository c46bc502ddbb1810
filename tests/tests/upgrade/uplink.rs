// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The far end of an uplink, whose lane is no virtio ring.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tests::frames::{BROADCAST, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, for_value};
use tests::weftd::Weftd;

const PATIENCE: Duration = Duration::from_secs(20);

/// See the module.
pub(crate) struct Far(UnixDatagram);

impl Far {
    /// Gives red an uplink that leads here.
    pub(crate) fn of(daemon: &Weftd) -> Far {
        let path = |name: &str| daemon.port_path(name).display().to_string();
        let far = UnixDatagram::bind(path("far")).expect("the folder is ours");
        far.set_read_timeout(Some(PATIENCE)).expect("a socket has that");
        let lane = format!("dgram:{},peer={}", path("near"), path("far"));
        daemon.weft(&["port", "add", "up", "-n", "red", "--role", "uplink", "--lane", &lane]).expect_ok();
        Far(far)
    }

    /// What a guest says to all comes here.
    #[track_caller]
    pub(crate) fn assert_hears(&self, daemon: &Weftd, guest: &mut SyntheticGuest, number: u64) {
        daemon.await_state("up", "up");
        let said = numbered(BROADCAST, guest.mac(), number, 100);
        guest.send(&said);
        let mut heard = [0; 2048];
        for_value("the frame at the uplink's far end", Deadline::patient(), || {
            let len = self.0.recv(&mut heard).expect("frames go on over the lane");
            (heard[..len] == said[..]).then_some(())
        });
    }
}
