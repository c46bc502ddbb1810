// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Starts and steers real guests: QEMU, cloud-hypervisor.
//!
//! # Theory of operation
//!
//! [`Setup::prepare`] makes a machine ready, once: it finds a QEMU that is new enough, builds a guest image from Debian
//! packages into a cache folder (nothing is installed, the host's boot is not touched), and boots one guest to learn
//! whether KVM works here and how much patience guests need. A [`GuestSpec`] says what a guest is made of; it becomes a
//! [`CommandLine`] that can be started or printed for a person. [`Setup::start`] gives a [`Guest`].
//!
//! ```text
//!          Guest ──── QMP socket ───────────▶ QEMU            stop, reset, plug, unplug
//!            │ ├───── command socket ───────▶ ttyS1 in guest  one script at a time, answers in base64
//!            │ └───── stdin of a supervisor ─▶ kills QEMU when we end
//!  a person ─┴─────── console socket ───────▶ ttyS0 in guest  a shell; everything is logged to a file
//! ```
//!
//! Inside the guest run a few small scripts (`guest/` of this crate) under busybox. There is no agent to compile, no
//! disk, no network for control: the NICs belong to the test alone.
//!
//! **Invariants.** No virtual machine outlives the process that started it. Every wait has a limit and notices a virtual
//! machine that ended and a kernel that panicked; the error carries QEMU's words and the end of the console. Preparations
//! of several processes wait for one another, and an interrupted one leaves nothing that looks finished.
//!
//! **Not done here.** No traffic leaves the machine; nothing here knows the switch, which is just a socket path.
//!
//! ```no_run
//! use qemu::{Attach, GuestSpec, Mac, Nic, Setup, silent};
//!
//! let setup = Setup::prepare(&silent)?;
//! let nic = Nic::new("a", Mac([2, 0, 0, 0, 0, 1]), Attach::SwitchListens("/tmp/red-vm1.sock".into()));
//! let guest = setup.start(&GuestSpec::new("red-vm1", "/tmp/guests".as_ref()).with_nic(nic))?;
//! guest.wait_ready()?;
//! println!("{}", guest.run_ok("ip address show eth0")?);
//! # Ok::<(), qemu::Error>(())
//! ```
#![forbid(unsafe_code)]

mod accel;
mod archive;
mod base64;
mod bookworm;
mod calibration;
mod cloud_hypervisor;
mod cmdline;
mod commands;
pub mod console;
mod cpio;
mod emulator;
mod error;
mod guest;
mod image;
mod job;
mod lines;
mod network;
mod nic;
mod options;
mod process;
mod program;
mod progress;
mod qmp;
mod setup;
mod spec;
mod version;

pub use accel::{Accel, Kind};
pub use cloud_hypervisor::find as find_cloud_hypervisor;
pub use cmdline::CommandLine;
pub use commands::Output;
pub use emulator::Qemu;
pub use error::Error;
pub use guest::{Guest, Moved, Moving, Pace};
pub use image::{Flavour, Image, cache_folder};
pub use job::Job;
pub use network::{Pings, Transfer};
pub use nic::{Attach, Failover, Mac, Model, Nic, Offload};
pub use progress::{Progress, Step, silent};
pub use qmp::{Event, Qmp};
pub use setup::Setup;
pub use spec::{GuestSpec, Hotplug, Memory};
pub use version::Version;
