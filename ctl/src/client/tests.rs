// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{Client, ClientError};
use crate::codec::{Call, Reply};
use crate::proto::v1::{ConfigCheck, Error, FdbList, FdbListReply, NamespaceDel, PortList, Status};
use crate::testing::samples;
use crate::testing::server::Server;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(20);

fn client(server: &Server) -> Client {
    Client::connect(&server.path(), LONG).unwrap()
}

#[test]
fn calls_are_typed_and_one_connection_serves_many() {
    let server = Server::with_samples();
    let mut client = client(&server);
    assert_eq!(client.call(&Status {}).unwrap(), samples::status());
    assert_eq!(client.call(&PortList::default()).unwrap().ports, [samples::port()]);
    drop(client);
    let methods: Vec<String> = server.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["org.weft.Switch1.Status", "org.weft.Switch1.PortList"]);
}

#[test]
fn an_error_of_weftd_is_a_typed_error() {
    let why = samples::errors().remove(3);
    let server = Server::with_error(why.clone());
    let failed = client(&server).call(&NamespaceDel::default()).unwrap_err();
    assert!(matches!(&failed, ClientError::Remote(remote) if *remote == why));
    assert_eq!((failed.exit_code(), failed.name().as_str()), (5, "org.weft.Switch1.InUse"));
}

/// Three pages.
fn pages(call: &Call) -> Vec<Reply> {
    assert!(call.more);
    let page = Reply::result(&samples::fdb()).unwrap();
    vec![page.clone().continued(), page.clone().continued(), page]
}

#[test]
fn a_stream_ends_with_its_last_reply() {
    let server = Server::start(Box::new(pages));
    let mut client = client(&server);
    let entries: Vec<FdbListReply> = client.stream(&FdbList::default()).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries, vec![samples::fdb(); 3]);
    let again = client.stream(&FdbList::default()).unwrap().count();
    assert_eq!(again, 3, "the connection can be used again");
}

#[test]
fn a_stream_ends_with_an_error_too() {
    let server = Server::start(Box::new(|_| {
        let page = Reply::result(&samples::fdb()).unwrap().continued();
        vec![page, Reply::error(&Error::Failed { message: "no more".to_owned() })]
    }));
    let mut client = client(&server);
    let mut stream = client.stream(&FdbList::default()).unwrap();
    assert!(stream.next().unwrap().is_ok());
    assert!(matches!(stream.next(), Some(Err(ClientError::Remote(Error::Failed { .. })))));
    assert!(stream.next().is_none());
}

#[test]
fn an_abandoned_stream_does_not_mix_its_replies_into_the_next_call() {
    let server = Server::start(Box::new(pages));
    let mut client = client(&server);
    assert!(client.stream(&FdbList::default()).unwrap().next().unwrap().is_ok());
    // The pages that had arrived already are not an answer to this either.
    let next = client.call(&Status {});
    assert!(next.is_err(), "{next:?}");
}

#[test]
fn an_unreachable_daemon_is_told_from_a_refusing_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Client::connect(&folder.path().join("none.sock"), LONG).unwrap_err();
    assert!(matches!(missing, ClientError::Unreachable { .. }));
    assert_eq!(missing.exit_code(), 3);
    let long = Client::connect(Path::new(&"x".repeat(200)), LONG).unwrap_err();
    assert_eq!(long.exit_code(), 3);
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert_eq!(ClientError::Unreachable { path: "p".into(), source: denied }.exit_code(), 4);
}

#[test]
fn a_silent_daemon_is_a_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ctl.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let mut client = Client::connect(&path, SHORT).unwrap();
    let failed = client.call(&Status {}).unwrap_err();
    assert!(matches!(failed, ClientError::Timeout { .. }));
    assert_eq!(failed.exit_code(), 124);
    let again = client.call(&Status {}).unwrap_err();
    assert!(matches!(again, ClientError::Lost(_)), "a late reply cannot answer another call: {again}");
}

#[test]
fn a_call_that_weftd_would_refuse_for_its_size_is_not_sent() {
    let server = Server::with_samples();
    let text = "\n".repeat(600 << 10);
    let mut client = client(&server);
    let failed = client.call(&ConfigCheck { text, file: "weft.toml".to_owned() }).unwrap_err();
    assert!(matches!(failed, ClientError::TooLarge { .. }), "twice as long in JSON");
    assert_eq!(failed.exit_code(), 1);
    assert!(client.call(&Status {}).is_ok());
}

#[test]
fn a_daemon_that_does_not_accept_is_a_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ctl.sock");
    let listener =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _waiting = Client::connect(&path, SHORT).unwrap();
    let failed = Client::connect(&path, SHORT).unwrap_err();
    assert_eq!(failed.exit_code(), 124, "{failed}");
}

/// What the client makes of these bytes as an answer, after which the peer closes.
fn answered_with(bytes: &'static [u8]) -> ClientError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ctl.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let read = socket.read(&mut [0; 1024]).unwrap();
        assert!(read > 0);
        socket.write_all(bytes).unwrap();
    });
    let failed = Client::connect(&path, LONG).unwrap().call(&Status {}).unwrap_err();
    peer.join().unwrap();
    failed
}

#[test]
fn nonsense_is_named_and_means_no_conversation() {
    assert!(matches!(answered_with(b""), ClientError::Closed));
    assert!(matches!(answered_with(b"HTTP/1.1 400 Bad Request\r\n\0"), ClientError::Protocol(_)));
    assert!(matches!(answered_with(b"{\"parameters\":"), ClientError::Protocol(_)));
    assert!(matches!(answered_with(b"{\"parameters\":{\"pid\":\"x\"}}\0"), ClientError::Answer { .. }));
    assert!(matches!(answered_with(b"{}\0"), ClientError::Answer { .. }));
    assert_eq!(answered_with(b"{}\0").exit_code(), 3);
}

#[test]
fn a_oneway_call_waits_for_nothing() {
    let server = Server::start(Box::new(|_| Vec::new()));
    client(&server).oneway(&Status {}).unwrap();
    let calls = server.calls();
    let expected = Call {
        method: "org.weft.Switch1.Status".to_owned(),
        parameters: Some(json!({})),
        oneway: true,
        ..Call::default()
    };
    assert_eq!(calls, [expected]);
}
