// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The connecting end: messages from the standard input to the other side, and its answers to the standard output, one by one. What
//! goes wrong is said on the standard error, and ends it.

use crate::credentials;
use crate::greeting;
use crate::limits::{CALL_MAX, LINGER_MAX, REPLY_MAX};
use crate::options::Connect;
use crate::timed::Timed;
use crate::trouble::Trouble;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

type Secured = BufReader<StreamOwned<ClientConnection, Timed>>;

/// Passes on messages until there are no more.
///
/// # Errors
/// There is no channel, or none any more.
pub(crate) fn run(options: &Connect) -> Result<(), Trouble> {
    let config = credentials::client(&options.credentials)?;
    let name = server_name(options)?;
    let mut sock = Timed::new(reach(&options.to, options.timeout())?, options.timeout());
    let mut conn = ClientConnection::new(config, name).map_err(|why| Trouble::Tls(why.to_string()))?;
    if let Err(why) = conn.complete_io(&mut sock) {
        // The other side is to hear what is wrong with it.
        sock.linger(LINGER_MAX);
        return Err(why.into());
    }
    let mut stream = BufReader::new(StreamOwned::new(conn, sock));
    greeting::hear(&mut stream)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(call) = message(&mut input, CALL_MAX)? {
        let reply = ask(&mut stream, &call, options.timeout())?;
        output.write_all(&reply).and_then(|()| output.flush()).map_err(Trouble::Broken)?;
    }
    stream.get_mut().conn.send_close_notify();
    Ok(stream.get_mut().flush()?)
}

fn ask(stream: &mut Secured, call: &[u8], timeout: Duration) -> Result<Vec<u8>, Trouble> {
    stream.get_mut().sock.allow(timeout);
    stream.get_mut().write_all(call)?;
    stream.get_mut().flush()?;
    let reply = message(stream, REPLY_MAX)?;
    reply.ok_or_else(|| Trouble::Nonsense("the other side closed the connection without an answer".to_owned()))
}

/// The next message with the NUL that ends it; `None`: there are no more.
fn message(from: &mut impl BufRead, most: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let mut message = Vec::new();
    from.take(most as u64 + 1).read_until(0, &mut message)?;
    match message.last() {
        None => Ok(None),
        Some(0) => Ok(Some(message)),
        Some(_) if message.len() > most => Err(Trouble::Nonsense(format!("a message is longer than {most} bytes"))),
        Some(_) => Err(Trouble::Nonsense("a message was cut off".to_owned())),
    }
}

/// Whom the other side must be.
fn server_name(options: &Connect) -> Result<ServerName<'static>, Trouble> {
    let usage = || Trouble::Usage(format!("{}: expected HOST:PORT, such as host2.example:4700", options.to));
    let (host, _) = options.to.rsplit_once(':').ok_or_else(usage)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = options.name.as_deref().unwrap_or(host);
    let bad = |_| {
        Trouble::Usage(format!("{name:?} is no name that stands in the certificate of a host; --name says another"))
    };
    ServerName::try_from(name.to_owned()).map_err(bad)
}

/// A connection to one of the addresses of a host.
fn reach(to: &str, timeout: Duration) -> Result<TcpStream, Trouble> {
    let unreachable = |why| Trouble::Unreachable(to.to_owned(), why);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in to.to_socket_addrs().map_err(unreachable)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(socket) => return Ok(socket),
            Err(why) => last = why,
        }
    }
    Err(unreachable(last))
}
