// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F13: connections that come and go, and more of them than a port serves.
use super::scene::{Scene, VICTIM, negotiate};
use tests::frontend::Frontend;
use tests::wait::Deadline;

#[test]
fn connections_by_the_hundred_leave_nothing_behind() {
    let mut scene = Scene::new();
    for round in 0..300 {
        let path = scene.daemon.port_path(VICTIM);
        let Ok(mut frontend) = Frontend::connect(&path) else {
            // The listener's queue is full for the moment.
            scene.traffic();
            continue;
        };
        match round % 3 {
            0 => {}
            1 => {
                let _ = frontend.send_raw(&[1, 0, 0, 0], &[]);
            }
            // The port may be busy with the one before, and say so by hanging up.
            _ => {
                let _ = negotiate(&mut frontend);
            }
        }
    }
    scene.check();
}

/// Twenty at a time: one is served, one may wait for its turn, the others are sent away, and it is told.
#[test]
fn of_many_at_once_one_is_served() {
    let mut scene = Scene::new();
    let mut served = scene.negotiated();
    let others: Vec<Frontend> = (0..20).map(|_| scene.connect()).collect();
    for other in &others {
        assert!(other.wait_closed(Deadline::patient()), "only one is served");
    }
    let port = scene.daemon.await_reason(VICTIM, "while another frontend is served");
    assert_ne!(port["state"], "down", "{port}");
    served.get_features().expect("the first one is served on");
    drop((served, others));
    scene.check();
}

/// A port that is deleted and made again under an attack is as good as new.
#[test]
fn a_port_is_deleted_under_a_session_and_made_again() {
    let mut scene = Scene::new();
    for _ in 0..10 {
        let frontend = scene.negotiated();
        scene.daemon.weft(&["port", "del", VICTIM, "--force"]).expect_ok();
        assert!(frontend.wait_closed(Deadline::patient()), "its port is gone");
        scene.daemon.add_port("red", VICTIM, 3, &[]);
    }
    drop(scene.connect());
    scene.check();
}
