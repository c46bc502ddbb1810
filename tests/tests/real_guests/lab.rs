// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A daemon, and the guests that are put on its ports.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ctl::proto::v1::{Port, State};
use qemu::{Attach, Guest, GuestSpec, Mac, Nic, Qemu, Setup};
pub(crate) use tests::setup::Must;
use tests::setup::setup_or_skip;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// Held by the test that has guests.
static TURN: Mutex<()> = Mutex::new(());

/// For what a guest and weft do together. Long, for guests may be emulated on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running daemon, and the turn to have guests. Keep guests in variables that are declared after it: they end first.
pub(crate) struct Lab {
    pub(crate) daemon: Weftd,
    setup: Setup,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// Waits for the turn and starts a daemon without a configuration. `None` where no guest can run; it is noted as
    /// skipped.
    pub(crate) fn open() -> Option<Lab> {
        Lab::open_with("")
    }

    /// As [`Lab::open`], with a configuration.
    pub(crate) fn open_with(config: &str) -> Option<Lab> {
        let setup = setup_or_skip()?;
        // Whoever poisoned it has failed, and its guests are gone.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Lab { daemon: Weftd::start_configured(config), setup: setup.clone(), _turn: turn })
    }

    /// With guests under another QEMU than the one that is installed.
    pub(crate) fn under(self, qemu: Qemu) -> Lab {
        Lab { setup: Setup { qemu, ..self.setup }, ..self }
    }

    /// What guests are made with.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Runs `weft`, which must succeed.
    pub(crate) fn weft(&self, line: &str) -> String {
        self.daemon.weft(&line.split_whitespace().collect::<Vec<_>>()).expect_ok()
    }

    /// Adds a port, and gives the NIC that fits it. `options` are further options of `weft port add`.
    pub(crate) fn port(&self, name: &str, namespace: &str, last: u8, options: &str) -> Nic {
        let nic = self.nic(name, last, options.contains("--client"));
        let socket = self.daemon.port_path(name);
        let (mac, socket) = (nic.mac, socket.display());
        self.weft(&format!("port add {name} --namespace {namespace} --mac {mac} --vhost-user {socket} {options}"));
        nic
    }

    /// A NIC for a port that is there already, at the usual socket.
    pub(crate) fn nic(&self, port: &str, last: u8, is_client_mode: bool) -> Nic {
        let attach = if is_client_mode { Attach::GuestListens } else { Attach::SwitchListens };
        Nic::new(port, Mac([2, 0, 0, 0, 0, last]), attach(self.daemon.port_path(port)))
    }

    /// A guest with these NICs.
    pub(crate) fn guest<const N: usize>(&self, name: &str, nics: [Nic; N]) -> GuestSpec {
        nics.into_iter().fold(GuestSpec::new(name, self.daemon.folder()), GuestSpec::with_nic)
    }

    /// Boots guests side by side.
    pub(crate) fn boot<const N: usize>(&self, specs: [GuestSpec; N]) -> [Guest; N] {
        let started = Instant::now();
        let guests = specs.map(|spec| self.setup.start(&spec).must());
        guests.iter().for_each(|guest| guest.wait_ready().must());
        eprintln!("{N} guests are up after {:.1} s", started.elapsed().as_secs_f32());
        guests
    }

    /// What weft knows of a port.
    pub(crate) fn show(&self, port: &str) -> Port {
        serde_json::from_str(&self.weft(&format!("port show {port} --json"))).expect("weft prints what it documents")
    }

    /// Waits until weft says of a port what `holds` asks for.
    pub(crate) fn await_port(&self, name: &str, what: &str, holds: impl Fn(&Port) -> bool) {
        until(&format!("port {name}: {what}"), patience(), || holds(&self.show(name)));
    }

    /// Waits until a port is in this state.
    pub(crate) fn await_state(&self, name: &str, state: State) {
        self.await_port(name, &format!("{state:?}"), |port| port.state == state);
    }

    /// Frames that weft dropped at a port for this reason.
    pub(crate) fn dropped(&self, port: &str, reason: &str) -> u64 {
        self.show(port).counters.drops.get(reason).copied().unwrap_or(0)
    }
}

/// The usual deadline where a guest has a part in it.
pub(crate) fn patience() -> Deadline {
    Deadline::after(PATIENCE)
}
