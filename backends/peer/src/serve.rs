// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One peer at the listening end: who is it, and what does it want.

use crate::calls::{Rules, judge};
use crate::greeting;
use crate::limits::{CALL_MAX, CALLS_MAX, LINGER_MAX};
use crate::names::List;
use crate::origins::Origins;
use crate::seats::Seat;
use crate::timed::Timed;
use crate::trouble::{Trouble, quoted};
use ctl::client::Client;
use ctl::codec::{Call, Decoder, Reply, encode};
use ctl::proto::v1::Error;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// What is the same for all peers.
pub(crate) struct Host {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) list: List,
    pub(crate) rules: Rules,
    pub(crate) origins: Origins,
    /// Control socket of weftd.
    pub(crate) socket: PathBuf,
    /// For a peer to say who it is, and for each call.
    pub(crate) timeout: Duration,
}

/// A peer that TLS knows.
type Secured = StreamOwned<ServerConnection, Timed>;

/// Serves a peer until it goes, and says so when it was not let in or had to go.
pub(crate) fn serve(host: &Host, seat: &Seat, socket: TcpStream, from: SocketAddr) {
    let mut stream = match shake_hands(host, socket) {
        Ok(stream) => stream,
        Err(why) => return eprintln!("weft-peer: {from}: {why}"),
    };
    let mut who = from.to_string();
    let served = admit(host, &mut stream).and_then(|name| {
        seat.keep();
        who = format!("{from}, {name}");
        converse(host, &mut stream, (&name, &who))
    });
    stream.conn.send_close_notify();
    // Whoever has gone needs no farewell.
    let _ = stream.flush();
    if let Err(why) = served {
        stream.sock.linger(LINGER_MAX);
        eprintln!("weft-peer: {who}: {why}");
    }
}

fn shake_hands(host: &Host, socket: TcpStream) -> Result<Secured, Trouble> {
    let mut sock = Timed::new(socket, host.timeout);
    let conn = ServerConnection::new(Arc::clone(&host.config));
    let mut conn = conn.map_err(|why| Trouble::Tls(why.to_string()))?;
    match conn.complete_io(&mut sock) {
        Ok(_) => Ok(StreamOwned::new(conn, sock)),
        Err(why) => {
            // It has been told why, and is to hear it before the connection is gone.
            sock.linger(LINGER_MAX);
            Err(why.into())
        }
    }
}

fn admit(host: &Host, stream: &mut Secured) -> Result<String, Trouble> {
    let shown = stream.conn.peer_certificates().and_then(|chain| chain.first());
    let admitted = match shown {
        Some(shown) => host.list.admit(shown),
        None => Err(Trouble::NotListed("nobody".to_owned())),
    };
    match admitted {
        Ok(name) => {
            greeting::welcome(stream)?;
            Ok(name)
        }
        Err(why) => {
            // That it is refused matters more than that it hears so.
            let _ = greeting::refuse(stream, &why.to_string());
            Err(why)
        }
    }
}

fn converse(host: &Host, stream: &mut Secured, (name, who): (&str, &str)) -> Result<(), Trouble> {
    let mut decoder = Decoder::<Call>::new(CALL_MAX);
    for _ in 0..CALLS_MAX {
        stream.sock.allow(host.timeout);
        let call = match next(stream, &mut decoder) {
            Ok(Some(call)) => call,
            Ok(None) => return Ok(()),
            // It need not say that it goes.
            Err(Trouble::Gone) if decoder.finish().is_ok() => return Ok(()),
            Err(why) => {
                let message = format!("weft-peer there: {why}");
                // It may not listen any more.
                let _ = say(stream, &Reply::error(&Error::Failed { message }));
                return Err(why);
            }
        };
        let method = quoted(&call.method);
        let reply = answer(host, call, name);
        match &reply.error {
            None => eprintln!("weft-peer: {who}: {method}"),
            Some(error) => {
                let why = Error::from_wire(error, reply.parameters.as_ref());
                eprintln!("weft-peer: {who}: {method}: refused: {}", quoted(&why.message()));
            }
        }
        stream.sock.allow(host.timeout);
        say(stream, &reply)?;
    }
    Err(Trouble::Nonsense(format!("it made {CALLS_MAX} calls, and may connect anew")))
}

/// The next call; `None`: it has no more.
fn next(stream: &mut Secured, decoder: &mut Decoder<Call>) -> Result<Option<Call>, Trouble> {
    let mut chunk = [0; CHUNK];
    loop {
        if let Some(call) = decoder.pull()? {
            return Ok(Some(call));
        }
        match stream.read(&mut chunk)? {
            0 => {
                decoder.finish()?;
                return Ok(None);
            }
            length => decoder.push(&chunk[..length])?,
        }
    }
}

/// What weftd says to a call, or why it was not asked.
fn answer(host: &Host, call: Call, name: &str) -> Reply {
    let asked = judge(call, &host.rules).and_then(|call| {
        host.origins.check(&call, name)?;
        let answered = Client::connect(&host.socket, host.timeout).and_then(|mut weftd| {
            weftd.send(&call)?;
            weftd.receive()
        });
        if answered.as_ref().is_ok_and(|reply| reply.error.is_none()) {
            host.origins.note(&call, name);
        }
        answered.map_err(|why| Error::Failed { message: format!("weft-peer there: {why}") })
    });
    asked.unwrap_or_else(|why| Reply::error(&why))
}

fn say(stream: &mut Secured, reply: &Reply) -> Result<(), Trouble> {
    let mut text = Vec::new();
    encode(reply, &mut text)?;
    stream.write_all(&text)?;
    Ok(stream.flush()?)
}
