// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The listening end: a thread for each peer.

use crate::calls::Rules;
use crate::credentials;
use crate::names::List;
use crate::options::Listen;
use crate::origins::Origins;
use crate::sandbox;
use crate::seats::Seats;
use crate::serve::{Host, serve};
use crate::trouble::Trouble;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long nobody is accepted when nobody can be: descriptors or memory are short.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens until it is ended.
///
/// # Errors
/// It cannot begin to.
pub(crate) fn run(options: Listen) -> Result<(), Trouble> {
    let config = credentials::server(&options.credentials)?;
    let not_listening = |why| Trouble::NotListening(options.listen, why);
    let listener = TcpListener::bind(options.listen).map_err(not_listening)?;
    let address = listener.local_addr().map_err(not_listening)?;
    sandbox::enter().map_err(Trouble::Sandbox)?;
    let timeout = options.timeout();
    let rules = Rules { sockets: options.sockets, vf: options.vf, namespaces: options.namespaces };
    let origins = Origins::default();
    let host = Host { config, list: List(options.allow), rules, origins, socket: options.socket, timeout };
    let (host, seats) = (Arc::new(host), Arc::new(Seats::default()));
    eprintln!("weft-peer: listening at {address}");
    loop {
        match listener.accept() {
            Ok((socket, from)) => begin(&host, &seats, socket, from),
            Err(why) => {
                eprintln!("weft-peer: nobody can be accepted: {why}");
                thread::sleep(PAUSE);
            }
        }
    }
}

fn begin(host: &Arc<Host>, seats: &Arc<Seats>, socket: TcpStream, from: SocketAddr) {
    let seat = socket.try_clone().ok().and_then(|socket| seats.take(socket));
    let Some(seat) = seat else {
        return eprintln!("weft-peer: {from}: turned away: too many peers are connected");
    };
    let host = Arc::clone(host);
    if let Err(why) = thread::Builder::new().spawn(move || serve(&host, &seat, socket, from)) {
        eprintln!("weft-peer: {from}: turned away: {why}");
    }
}
