// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A helper process with an authority that it believes.
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::https::{Authority, Manner, Server};
use tests::weftd::binary;

/// A good object, as far as the helper is concerned.
pub(crate) const BODY: &str = "{\"identifier\":\"a.example\"}\n";

pub(crate) struct Helper {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    id: u64,
    /// With the authority's certificate.
    _folder: TempDir,
}

impl Helper {
    /// One that believes `authority`, finds the servers under their names, and may connect to the loopback interface.
    pub(crate) fn start(authority: &Authority, servers: &[(&str, &Server)], more: &[&str]) -> Helper {
        Helper::strict(authority, servers, &[more, &["--allow", "127.0.0.0/8"]].concat())
    }

    /// One that may not.
    pub(crate) fn strict(authority: &Authority, servers: &[(&str, &Server)], more: &[&str]) -> Helper {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority.pem()).expect("it is our own directory");
        let mut command = Command::new(binary("weft-pvd-fetch"));
        command.arg("--ca").arg(&file).args(more);
        for (name, server) in servers {
            command.arg("--resolve").arg(format!("{name}={}", server.address));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let orders = child.stdin.take().expect("it was asked for");
        let mut answers = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut ready = String::new();
        answers.read_line(&mut ready).expect("it speaks");
        assert_eq!(ready, "ready\n", "its sandbox is complete");
        Helper { child, orders, answers, id: 0, _folder: folder }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What becomes of an order.
    pub(crate) fn fetch(&mut self, host: &str) -> Value {
        self.id += 1;
        let order = json!({ "id": self.id, "host": host });
        writeln!(self.orders, "{order}").expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"));
        assert_eq!(answer["id"], self.id);
        answer["result"].clone()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes of fetching `a.example` from a server that has its certificate.
pub(crate) fn fetched_from(manner: Manner) -> Value {
    let authority = Authority::new();
    let server = Server::start(&authority, &["a.example"], manner);
    Helper::start(&authority, &[("a.example", &server)], &["--timeout", "2"]).fetch("a.example")
}
