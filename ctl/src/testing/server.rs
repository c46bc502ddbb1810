// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd that answers what it was told to: real socket, real codec, no switch.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

use super::samples;
use crate::codec::{Call, Decoder, MESSAGE_MAX, Reply, encode};
use crate::proto::v1::Error;

/// What the server says to a call.
pub(crate) type Answer = Box<dyn Fn(&Call) -> Vec<Reply> + Send>;

/// A server that accepts one connection.
pub(crate) struct Server {
    folder: TempDir,
    calls: Receiver<Call>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Answers each call as `answer` says; no reply at all closes the connection.
    pub(crate) fn start(answer: Answer) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("ctl.sock")).unwrap();
        let (log, calls) = channel();
        let thread = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            serve(socket, &answer, |call| log.send(call).unwrap());
        });
        Server { folder, calls, thread }
    }

    /// As [`Server::start`], for so many connections, side by side.
    pub(crate) fn start_many(
        connections: usize,
        answer: impl Fn(&Call) -> Vec<Reply> + Send + Sync + 'static,
    ) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("ctl.sock")).unwrap();
        let (log, calls) = channel();
        let answer = Arc::new(answer);
        let thread = std::thread::spawn(move || {
            let serve_next = |_| {
                let (socket, _) = listener.accept().unwrap();
                let (answer, log) = (Arc::clone(&answer), log.clone());
                std::thread::spawn(move || {
                    serve(socket, &(Box::new(move |call: &Call| answer(call)) as Answer), |call| {
                        log.send(call).unwrap();
                    });
                })
            };
            let all: Vec<_> = (0..connections).map(serve_next).collect();
            all.into_iter().for_each(|one| one.join().unwrap());
        });
        Server { folder, calls, thread }
    }

    /// Answers every call with the sample reply.
    pub(crate) fn with_samples() -> Server {
        Server::start(Box::new(|call| vec![sample(call)]))
    }

    /// Answers every call with that error.
    pub(crate) fn with_error(why: Error) -> Server {
        Server::start(Box::new(move |_| vec![Reply::error(&why)]))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ctl.sock")
    }

    /// The calls that came, after the client is gone.
    pub(crate) fn calls(self) -> Vec<Call> {
        self.thread.join().unwrap();
        self.calls.iter().collect()
    }
}

fn serve(mut socket: UnixStream, answer: &Answer, log: impl Fn(Call)) {
    let mut decoder = Decoder::<Call>::new(MESSAGE_MAX);
    // Small on purpose: calls arrive in pieces.
    let mut chunk = [0; 7];
    loop {
        while let Some(call) = decoder.pull().unwrap() {
            let replies = answer(&call);
            log(call);
            if replies.is_empty() {
                return;
            }
            let mut bytes = Vec::new();
            replies.iter().for_each(|reply| encode(reply, &mut bytes).unwrap());
            if socket.write_all(&bytes).is_err() {
                return;
            }
        }
        match socket.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(length) => decoder.push(&chunk[..length]).unwrap(),
        }
    }
}

/// The sample reply to a call, or what a server says to an unknown method.
pub(crate) fn sample(call: &Call) -> Reply {
    let known = samples::exchanges().into_iter().find(|exchange| exchange.method == call.method);
    match known {
        Some(exchange) => reply(exchange.reply),
        None => Reply::error(&Error::from_wire(
            "org.varlink.service.MethodNotFound",
            Some(&serde_json::json!({ "method": call.method })),
        )),
    }
}

fn reply(parameters: Value) -> Reply {
    Reply { parameters: Some(parameters), ..Reply::default() }
}
