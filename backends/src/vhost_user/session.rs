// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One session's daemon and the thread that looks after it.
//!
//! The `vhost-user-backend` daemon runs on a thread of its own and blocks there. A second thread, the supervisor, makes
//! it, waits for its end, stops all rings, and only then lets go of it: the crate itself tells nobody that a session has
//! ended. A panic in the daemon is a reason like any other.
//!
//! The crate can only accept a connection from a listening socket, and we want both ends of it. So there is a private
//! listener in the abstract namespace whose queue holds one connection: ours. Somebody else who finds the name and is
//! quicker would fill that queue, and our own connect fails then; who comes later finds it full. Nobody can slip past the
//! guard.

use std::any::Any;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use vhost::vhost_user::{Error as ProtocolError, Listener};
use vhost_user_backend::{Error as DaemonError, VhostUserDaemon};
use vm_memory::{GuestMemoryAtomic, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use super::backend::PortBackend;
use super::budget::Ledger;
use super::device::DeviceConfig;
use super::host::RingHost;
use super::rings::Rings;
use super::vring::bind;

/// What every session of a port has in common.
#[derive(Debug, Clone)]
pub(super) struct SessionSpec {
    /// The port's name; the threads carry it.
    pub(super) port: String,
    pub(super) device: DeviceConfig,
    /// Virtio feature bits offered.
    pub(super) features: u64,
}

/// A session's threads. Dropping it waits for them, so shut the link down first.
pub(super) struct Session {
    supervisor: Option<JoinHandle<String>>,
    rings: Arc<Rings>,
    done: Arc<EventFd>,
}

impl Session {
    /// Starts the daemon. The second value is our end of the connection to it.
    pub(super) fn start(
        spec: &SessionSpec,
        host: Arc<dyn RingHost>,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, UnixStream)> {
        let (listener, link) = private_pair()?;
        let rings = Arc::new(Rings::new(host, 2 * spec.device.queue_pairs, link.try_clone()?, ledger));
        let backend = PortBackend { device: spec.device, features: spec.features, rings: Arc::clone(&rings) };
        let done = Arc::new(EventFd::new(EFD_NONBLOCK)?);
        let bell = Bell(Arc::clone(&done));
        let name = format!("vhost-{}", spec.port);
        let supervisor = Builder::new().name(format!("watch-{}", spec.port)).spawn(move || {
            let _bell = bell;
            supervise(name, listener, Arc::new(backend))
        })?;
        Ok((Self { supervisor: Some(supervisor), rings, done }, link))
    }

    /// The session's rings, for what the daemon does not know of.
    pub(super) fn rings(&self) -> &Rings {
        &self.rings
    }

    /// Readable once the session is over and all its rings are stopped.
    pub(super) fn done(&self) -> &EventFd {
        &self.done
    }

    /// Waits for the end and tells its reason.
    pub(super) fn join(&mut self) -> String {
        let Some(supervisor) = self.supervisor.take() else { return String::new() };
        supervisor.join().unwrap_or_else(|panic| panic_text(panic.as_ref()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.join();
    }
}

/// Rings when its thread ends, however that happens.
struct Bell(Arc<EventFd>);

impl Drop for Bell {
    fn drop(&mut self) {
        // The counter cannot be full: this is its only writer.
        let _ = self.0.write(1);
    }
}

/// A listener whose only pending connection is ours, and our end of that connection.
fn private_pair() -> io::Result<(UnixListener, UnixStream)> {
    let socket = || rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let (listening, connecting) = (socket()?, socket()?);
    // Binding to no name makes the kernel pick a free one (unix(7), "Autobind feature").
    rustix::net::bind(&listening, &SocketAddrUnix::new_unnamed())?;
    rustix::net::listen(&listening, 0)?;
    sys::fd::set_nonblocking(std::os::fd::AsFd::as_fd(&connecting))?;
    rustix::net::connect(&connecting, &rustix::net::getsockname(&listening)?)?;
    Ok((listening.into(), connecting.into()))
}

/// Runs one session to its end and cleans up after it.
fn supervise(name: String, listener: UnixListener, backend: Arc<PortBackend>) -> String {
    let rings = Arc::clone(&backend.rings);
    let mut daemon = None;
    let ended = catch_unwind(AssertUnwindSafe(|| run(name, listener, backend, &mut daemon)));
    rings.close();
    // Its memory is unmapped here, with no ring left that could touch it.
    drop(daemon);
    let ended = ended.unwrap_or_else(|panic| panic_text(panic.as_ref()));
    rings.failure().unwrap_or(ended)
}

fn run(
    name: String,
    listener: UnixListener,
    backend: Arc<PortBackend>,
    kept: &mut Option<VhostUserDaemon<Arc<PortBackend>>>,
) -> String {
    let rings = Arc::clone(&backend.rings);
    let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
    let daemon = match bind(&rings, || VhostUserDaemon::new(name, backend, memory)) {
        Ok(daemon) => kept.insert(daemon),
        Err(error) => return error.to_string(),
    };
    let started = daemon.start(&mut Listener::from(listener));
    match started.and_then(|()| daemon.wait()) {
        Ok(()) => "the connection was closed".to_owned(),
        Err(error) => reason(error),
    }
}

fn reason(error: DaemonError) -> String {
    match error {
        DaemonError::HandleRequest(ProtocolError::Disconnected | ProtocolError::PartialMessage) => {
            "the connection was closed".to_owned()
        }
        DaemonError::HandleRequest(error) => format!("the frontend broke the protocol: {error}"),
        DaemonError::WaitDaemon(panic) => panic_text(panic.as_ref()),
        other => other.to_string(),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    format!("a defect in weft ended this session: {text}")
}
