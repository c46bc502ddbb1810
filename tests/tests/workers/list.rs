// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft worker list`, and that what it says of CPUs is so.

use std::fs;

use serde_json::json;
use tests::frames::numbered;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// A line of a file in /proc that begins with this key.
fn status(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{path} has no {key}")).trim().to_owned()
}

/// The first CPU that this process may use.
fn first_cpu() -> String {
    let all = status("/proc/self/status", "Cpus_allowed_list");
    all.split([',', '-']).next().expect("a process may use a CPU").to_owned()
}

/// Where each thread of the daemon may run, by name.
fn places(daemon: &Weftd) -> Vec<(String, String)> {
    let folder = format!("/proc/{}/task", daemon.pid());
    let tasks = fs::read_dir(&folder).expect("the daemon runs").map(|task| task.expect("a task").path());
    let paths = tasks.map(|task| task.join("status").display().to_string());
    paths.map(|path| (status(&path, "Name"), status(&path, "Cpus_allowed_list"))).collect()
}

#[test]
fn workers_run_and_poll_as_they_are_told() {
    let cpu = first_cpu();
    let own = format!("[[worker]]\nid = 0\npoll = \"never\"\n[[worker]]\nid = 1\npin = \"{cpu}\"\n");
    let daemon = Weftd::start_configured(&format!("[daemon]\nworkers = 3\npoll = \"always\"\n{own}"));
    let workers = daemon.json(&["worker", "list"]);
    let told = |id: usize| (workers[id]["poll"].clone(), workers[id].get("pin").cloned());
    assert_eq!(told(0), (json!("never"), None));
    assert_eq!(told(1), (json!("always"), Some(json!(cpu))));
    assert_eq!(told(2), (json!("always"), None));
    for (name, allowed) in places(&daemon) {
        if name == "worker-1" {
            assert_eq!(allowed, cpu);
        } else {
            assert_eq!(allowed, status("/proc/self/status", "Cpus_allowed_list"), "{name} is left alone");
        }
    }
    assert_eq!((workers[1]["wakeups"].clone(), workers[2]["wakeups"].clone()), (json!(0), json!(0)));
}

#[test]
fn the_command_line_pins_one_worker_to_each_cpu() {
    let cpu = first_cpu();
    let daemon = Weftd::start_with(&["--pin", &cpu]);
    let pinned: Vec<_> = places(&daemon).into_iter().filter(|(name, _)| name == "worker-0").collect();
    assert_eq!(pinned, [("worker-0".to_owned(), cpu.clone())]);
    let line = daemon.weft(&["worker", "list", "--no-header"]).expect_ok();
    assert_eq!(line.split_whitespace().take(4).collect::<Vec<_>>(), ["0", "adaptive", &cpu, "0"]);
}

#[test]
fn what_a_worker_shows_adds_up() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let count = |key: &str| {
        let worker = daemon.json(&["worker", "list"])[0].clone();
        worker[key].as_u64().unwrap_or_else(|| panic!("no {key} in {worker}"))
    };
    assert_eq!((count("sources"), count("frames"), count("busy_cycles")), (2, 0, 0));
    for number in 0..100 {
        one.send(&numbered(two.mac(), one.mac(), number, 60));
    }
    one.drain(Deadline::patient());
    until("the worker to count its frames", Deadline::patient(), || count("frames") == 100);
    assert!((1..=100).contains(&count("bursts")));
    assert!(count("wakeups") > 0, "an idle worker sleeps");
    let (busy, all) = (count("busy_cycles"), count("cycles"));
    assert!(busy > 0 && busy < all, "{busy} of {all} cycles");
    one.hang_up();
    until("the queue to be taken back", Deadline::patient(), || count("sources") == 1);
    // The last second, once a tick has passed over it.
    until("the frames to be history", Deadline::patient(), || {
        daemon.json(&["worker", "list"])[0]["lately"]["frames"] == 0
    });
    assert_eq!(count("frames"), 100);
}
