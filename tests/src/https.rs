// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Web servers on the loopback interface, good and hostile ones, and an authority that certifies them.
//!
//! A [`Server`] does one thing, whatever it is asked: it says what it was told to say, or says nothing for ever. What a
//! client said is kept, so that a test can look at it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The longest head of a request that is read, in bytes.
const HEAD_MAX: usize = 16 << 10;

/// Who certifies servers.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one, which nobody believes yet.
    ///
    /// # Panics
    /// When there is no randomness.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        let pem = params.self_signed(&key).expect("a good certificate").pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, to be believed.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate with these names, which may be URIs, and its private key, both in PEM. One that has `expired` has so for years.
    ///
    /// # Panics
    /// When a name is none.
    pub fn identity(&self, names: &[&str], expired: bool) -> [String; 2] {
        let (uris, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
        let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(hosts).expect("the test gives good names");
        let uri = |uri: &str| SanType::URI(uri.try_into().expect("the test gives good names"));
        params.subject_alt_names.extend(uris.into_iter().map(uri));
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("a good certificate");
        [certificate.pem(), key.serialize_pem()]
    }

    /// Certifies a host under these names.
    fn certify(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().expect("there is randomness");
        let params = CertificateParams::new(names).expect("the test gives good names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a good certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("it was made just now");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("the provider knows them").with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![certificate], key).expect("the key is that of the certificate"))
    }
}

/// What a server does with each client that has asked for something.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Says this, and closes.
    Say(Vec<u8>),
    /// Says this, and then nothing for ever.
    Stall(Vec<u8>),
    /// Says this, and then a space now and then, for ever.
    Drip(Vec<u8>),
}

impl Manner {
    /// A good answer with this body.
    pub fn object(body: &str) -> Manner {
        Manner::answer("200 OK", "Content-Type: application/pvd+json\r\n", body)
    }

    /// An answer with this status, these further lines of its head, and this body.
    pub fn answer(status: &str, head: &str, body: &str) -> Manner {
        let length = body.len();
        Manner::Say(format!("HTTP/1.1 {status}\r\n{head}Content-Length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// A redirection.
    pub fn redirect(to: &str) -> Manner {
        Manner::answer("302 Found", &format!("Location: {to}\r\n"), "")
    }
}

/// A server. It serves for as long as the test runs.
#[derive(Debug)]
pub struct Server {
    /// Where it is.
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that `authority` certifies under these names.
    ///
    /// # Panics
    /// When there is no port on the loopback interface.
    pub fn start(authority: &Authority, names: &[&str], manner: Manner) -> Server {
        let config = authority.certify(names);
        Server::listen(move |client, heard| {
            let Ok(connection) = ServerConnection::new(Arc::clone(&config)) else { return };
            serve(&mut StreamOwned::new(connection, client), &manner, heard);
        })
    }

    /// A server without TLS.
    ///
    /// # Panics
    /// When there is no port on the loopback interface.
    pub fn plain(manner: Manner) -> Server {
        Server::listen(move |mut client, heard| serve(&mut client, &manner, heard))
    }

    /// A server that says this without TLS and without being asked.
    ///
    /// # Panics
    /// When there is no port on the loopback interface.
    pub fn blunt(text: &'static str) -> Server {
        Server::listen(move |mut client, _| {
            if client.write_all(text.as_bytes()).is_ok() {
                wait_for_the_end(&mut client);
            }
        })
    }

    /// The heads of all requests that it heard.
    ///
    /// # Panics
    /// When its thread has panicked.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("its thread does not panic").clone()
    }

    fn listen(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port left");
        let address = listener.local_addr().expect("it listens");
        let (heard, serve) = (Arc::new(Mutex::new(Vec::new())), Arc::new(serve));
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (heard, serve) = (Arc::clone(&kept), Arc::clone(&serve));
                thread::spawn(move || serve(client, &heard));
            }
        });
        Server { address, heard }
    }
}

/// Clients go away at any time, so nothing here is a failure.
fn serve(stream: &mut (impl Read + Write), manner: &Manner, heard: &Mutex<Vec<String>>) {
    let Some(head) = head(stream) else { return };
    heard.lock().expect("nobody panics with it").push(head);
    let (Manner::Say(text) | Manner::Stall(text) | Manner::Drip(text)) = manner;
    if stream.write_all(text).is_err() || stream.flush().is_err() {
        return;
    }
    match manner {
        Manner::Say(_) => {}
        Manner::Stall(_) => wait_for_the_end(stream),
        Manner::Drip(_) => {
            // A pause between two drops, for which the client is to grow impatient.
            while stream.write_all(b" ").and_then(|()| stream.flush()).is_ok() {
                thread::park_timeout(Duration::from_millis(20));
            }
        }
    }
}

/// Everything up to an empty line.
fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_MAX {
        let mut octet = [0];
        match stream.read(&mut octet) {
            Ok(1) => head.push(octet[0]),
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

fn wait_for_the_end(stream: &mut impl Read) {
    let mut more = [0; 64];
    while stream.read(&mut more).is_ok_and(|read| read > 0) {}
}
