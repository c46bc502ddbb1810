// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a tenant cannot learn and cannot reach: names of others, users who are not he, sockets outside his directory. That a
//! name of others takes no other time than one that nobody has is shown where names are looked up, `switch/src/view.rs`.
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::skip::can_be_others;
use tests::weftd::{binary, weft_at};

use crate::tenant::{NOBODY, Scene};

/// A call with names of blue's in it, of which each `@` name has a twin of the same length that nobody has.
const TWINS: [(&str, &str); 5] = [
    ("@space", "blue gone"),
    ("@inner", "blue/dev gone/dev"),
    ("@port", "two nix"),
    ("@other", "three thirs"),
    ("@mac", "02:00:00:00:00:22 02:00:00:00:00:23"),
];

/// Every method, with names of others wherever there can be a name.
fn calls() -> Vec<(&'static str, Value)> {
    let all = [
        ("Status", vec![json!({})]),
        ("WorkerList", vec![json!({})]),
        ("NamespaceAdd", vec![json!({ "name": "@inner" }), json!({ "name": "@inner", "number": 1 })]),
        ("NamespaceDel", vec![json!({ "name": "@space", "recursive": true }), json!({ "name": "@inner" })]),
        ("NamespaceSet", vec![json!({ "name": "@space", "age_s": 60 }), json!({ "name": "@inner", "age_s": 60 })]),
        ("NamespaceDelegate", vec![json!({ "name": "@space", "socket": "$D/x", "uid": 1 })]),
        ("NamespaceUndelegate", vec![json!({ "name": "@space" })]),
        ("NamespaceList", vec![json!({ "name": "@space" }), json!({ "name": "@inner" })]),
        ("NamespaceZombies", vec![json!({}), json!({ "name": "@space" })]),
        (
            "PortAdd",
            vec![
                json!({ "name": "@port", "namespace": "@space", "vhost_user": { "path": "$D/x", "mode": "server" } }),
                json!({ "name": "a", "namespace": "/", "vhost_user": { "path": "$F/@port.sock", "mode": "server" } }),
                json!({ "name": "a", "namespace": "/", "vhost_user": { "path": "$F/@port.sock", "mode": "client" } }),
            ],
        ),
        ("PortDel", vec![json!({ "name": "@port" }), json!({ "name": "@space:@port", "force": true })]),
        ("PortSet", vec![json!({ "name": "@other", "mtu": 1400 }), json!({ "name": "@inner:@other", "mtu": 1400 })]),
        (
            "PortList",
            vec![json!({ "name": "@port" }), json!({ "name": "@space:@port" }), json!({ "namespace": "@space" })],
        ),
        ("PortExport", vec![json!({ "name": "@space:@port" })]),
        ("PortImport", vec![json!({ "text": "@space", "namespace": "@space" })]),
        ("PortLeave", vec![json!({ "name": "@space:@port", "id": "1-0000000000000001" })]),
        ("PortStay", vec![json!({ "name": "@space:@port" })]),
        ("MoveWatch", vec![json!({ "name": "@space:@port", "id": "1-0000000000000001" })]),
        ("MoveTell", vec![json!({ "id": "1-0000000000000001", "guest": "stopped" })]),
        ("VfOffer", vec![json!({ "name": "@port" }), json!({ "name": "@space:@port" })]),
        ("VfRevoke", vec![json!({ "name": "@port" }), json!({ "name": "@space:@port" })]),
        ("VfSwitch", vec![json!({ "name": "@port", "lane": "vf" })]),
        ("VfStatus", vec![json!({}), json!({ "name": "@port" }), json!({ "name": "@space:@port" })]),
        (
            "LinkAdd",
            vec![json!({ "one": "/:a", "other": "@space:a" }), json!({ "one": "@space:a", "other": "@inner:b" })],
        ),
        ("LinkDel", vec![json!({ "port": "@port" }), json!({ "port": "@space:@port", "if_exists": true })]),
        ("FdbList", vec![json!({ "namespace": "@space" })]),
        (
            "FdbAdd",
            vec![
                json!({ "namespace": "@space", "mac": "@mac", "port": "@port" }),
                json!({ "namespace": "/", "mac": "02:00:00:00:00:33", "port": "@port" }),
            ],
        ),
        ("FdbDel", vec![json!({ "namespace": "@space", "mac": "@mac" }), json!({ "namespace": "/", "mac": "@mac" })]),
        ("FdbFlush", vec![json!({ "namespace": "@space" })]),
        ("ConfigCheck", vec![json!({ "text": "[[namespace]]\nname = \"@space\"\n", "file": "f" })]),
        ("ConfigDiff", vec![json!({ "text": "[[namespace]]\nname = \"@space\"\n", "file": "f" })]),
        ("ConfigApply", vec![json!({ "text": "[[namespace]]\nname = \"@space\"\n", "file": "f" })]),
        ("ConfigShow", vec![json!({})]),
        ("LogSet", vec![json!({ "filter": "@space" })]),
        ("Upgrade", vec![json!({})]),
        ("DropReasons", vec![json!({ "name": "@port" })]),
    ];
    all.into_iter()
        .chain(calls_about_pvds())
        .flat_map(|(method, several)| several.into_iter().map(move |one| (method, one)))
        .collect()
}

/// The same, of those about what routers and operators teach.
fn calls_about_pvds() -> [(&'static str, Vec<Value>); 10] {
    [
        ("PvdList", vec![json!({ "namespace": "@space" }), json!({})]),
        ("PvdShow", vec![json!({ "name": "@port", "namespace": "@space" }), json!({ "name": "@space" })]),
        ("PvdWatch", vec![json!({ "namespace": "@space", "since": 0 }), json!({ "namespace": "@inner" })]),
        (
            "PvdCreate",
            vec![
                json!({ "namespace": "@space", "name": "a.example" }),
                json!({ "namespace": "@inner", "name": "@port", "said": { "prefixes": ["2001:db8::/64"] } }),
                json!({ "namespace": "@space", "name": "a.example", "said": { "announce": [] } }),
            ],
        ),
        ("PvdSet", vec![json!({ "namespace": "@space", "name": "a.example", "said": { "mtu": 1400 } })]),
        (
            "PvdDelete",
            vec![
                json!({ "namespace": "@space", "name": "a.example" }),
                json!({ "namespace": "@inner", "name": "a.example", "if_exists": true }),
            ],
        ),
        ("PvdFetch", vec![json!({ "namespace": "@inner", "name": "a.example" })]),
        ("RaList", vec![json!({ "namespace": "@space" }), json!({})]),
        ("RaShow", vec![json!({ "namespace": "@space", "number": 1 })]),
        ("RaCheck", vec![json!({ "namespace": "@space" }), json!({ "namespace": "@inner" })]),
    ]
}

/// A text with one of each pair of twins in the place of their name.
fn with(text: &str, which: usize) -> String {
    let twin = |pair: &str| pair.split(' ').nth(which).expect("a pair").to_owned();
    TWINS.iter().fold(text.to_owned(), |text, (name, pair)| text.replace(name, &twin(pair)))
}

/// An answer with the names of what does not exist instead of those of what does.
fn disguised(answer: &str) -> String {
    let pairs = TWINS.iter().filter_map(|(_, pair)| pair.split_once(' '));
    // The longer first: one is a part of another.
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by_key(|(there, _)| std::cmp::Reverse(there.len()));
    pairs.into_iter().fold(answer.to_owned(), |text, (there, not)| text.replace(there, not))
}

#[test]
fn names_of_others_and_names_of_nobody_are_answered_alike() {
    let scene = Scene::new();
    let interface =
        scene.json(&["call", "org.varlink.service.GetInterfaceDescription", r#"{"interface":"org.weft.Switch1"}"#]);
    let text = interface["description"].as_str().expect("a text");
    let methods: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("method ")?.split('(').next()).collect();
    let asked: Vec<&str> = calls().iter().map(|(method, _)| *method).collect();
    let missing: Vec<_> = methods.iter().filter(|method| !asked.contains(method)).collect();
    assert!(missing.is_empty(), "say here what a tenant could learn by {missing:?}");
    let before = scene.everything();
    let (folder, directory) = (scene.daemon.folder().display().to_string(), scene.directory().display().to_string());
    for (method, parameters) in calls() {
        let parameters = parameters.to_string().replace("$D", &directory).replace("$F", &folder);
        let ask = |which| {
            let outcome = scene.weft(&["call", &format!("org.weft.Switch1.{method}"), &with(&parameters, which)]);
            (outcome.status, outcome.stdout, outcome.stderr)
        };
        let ((status, out, err), nobody) = (ask(0), ask(1));
        let uptime = |text: String| text.lines().filter(|line| !line.contains("uptime")).collect::<String>();
        assert_eq!(
            (status, uptime(disguised(&out)), disguised(&err)),
            (nobody.0, uptime(nobody.1), nobody.2),
            "{method} {parameters}"
        );
        assert!(!out.contains("blue") && !out.contains("two.sock"), "{method} {parameters}: {out}");
    }
    assert_eq!(scene.everything(), before, "and nothing of that changed anything");
}

#[test]
fn the_kernel_says_who_is_the_tenant() {
    if !can_be_others() {
        return;
    }
    let scene = Scene::new();
    let weft = scene.daemon.folder().join("weft");
    let copied = Command::new("cp").arg(binary("weft")).arg(&weft).status();
    assert!(copied.is_ok_and(|status| status.success()), "the folder is ours");
    for path in [scene.daemon.folder(), &weft] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    let run = |uid: u32, gid: u32, more: &str| {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), more.to_owned()]);
        command.arg(&weft).arg("--socket").arg(scene.socket()).args(["namespace", "list"]);
        let output = command.stdin(Stdio::null()).output().expect("setpriv can be run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run(NOBODY, NOBODY, "--clear-groups").0, Some(0));
    let (code, text) = run(4242, NOBODY, "--clear-groups");
    assert!(code == Some(4) && text.contains("it needs whom this socket is for"), "{text}");
    let socket = scene.socket().display().to_string();
    scene.daemon.weft(&["namespace", "delegate", "red", "--listen", &socket, "--gid", "4343"]).expect_ok();
    assert_eq!(run(4242, 4343, "--clear-groups").0, Some(0));
    assert_eq!(run(4242, 1, "--groups=7,4343").0, Some(0), "also one of his further groups");
    assert_eq!(run(NOBODY, NOBODY, "--clear-groups").0, Some(4), "no more");
}

/// Whatever a tenant puts into his directory, weftd makes nothing outside it and connects to nobody outside it.
#[test]
fn sockets_of_a_tenant_stay_in_his_directory() {
    let scene = Scene::new();
    let (folder, own) = (scene.daemon.folder().to_owned(), scene.directory());
    let outside = folder.join("outside");
    fs::create_dir(&outside).expect("the folder is ours");
    let listener = UnixListener::bind(outside.join("vmm.sock")).expect("the folder is ours");
    listener.set_nonblocking(true).expect("it can be");
    symlink(&outside, own.join("away")).expect("the test may write anywhere");
    symlink(outside.join("vmm.sock"), own.join("vmm.sock")).expect("likewise");
    symlink(outside.join("new.sock"), own.join("new.sock")).expect("likewise");
    fs::hard_link(outside.join("vmm.sock"), own.join("hard.sock")).expect("likewise");
    let before = scene.everything();
    let add = |path: &str, more: &[&str]| {
        let path = if path.starts_with('/') { path.to_owned() } else { own.join(path).display().to_string() };
        let parameters = json!({ "name": "vm1", "namespace": "dev", "vhost_user": { "path": path, "mode": more[0] } });
        scene.weft(&["call", "org.weft.Switch1.PortAdd", &parameters.to_string()])
    };
    for path in ["../outside/x.sock", "../outside/vmm.sock", "/tmp/x.sock", "away/../x.sock", "./x.sock", ""] {
        for mode in ["server", "client"] {
            let outcome = add(path, &[mode]);
            let expected = format!("expected a path in {}", own.display());
            assert!(outcome.status == 1 && outcome.stderr.contains(&expected), "{path}: {}", outcome.stderr);
        }
    }
    for path in ["away/x.sock", "vmm.sock", "new.sock", "hard.sock"] {
        let outcome = add(path, &["server"]);
        assert!(outcome.status == 65 && outcome.stderr.contains("was not added"), "{path}: {}", outcome.stderr);
    }
    assert_eq!(scene.everything(), before, "nothing is left of them");
    for path in ["away/vmm.sock", "vmm.sock", "hard.sock"] {
        add(path, &["client"]).expect_ok();
        scene.daemon.await_state("vm1", "connecting");
        scene.weft(&["port", "del", "vm1"]).expect_ok();
    }
    let files: Vec<_> =
        fs::read_dir(&outside).expect("it is there").map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(files, ["vmm.sock"], "nothing was made, nothing was taken");
    assert!(listener.accept().is_err(), "nobody connected");
}

#[test]
fn a_tenant_delegates_what_is_below_and_keeps_within_his_directory() {
    let scene = Scene::with(&["--flood-frames", "7"]);
    let uid = NOBODY.to_string();
    let own = |file: &str| scene.directory().join(file).display().to_string();
    let delegate = |listen: &str, sockets: Option<&str>| {
        let fixed = ["namespace", "delegate", "dev", "--listen", listen, "--uid", &uid];
        let more: Vec<&str> = sockets.into_iter().flat_map(|directory| ["--sockets", directory]).collect();
        scene.weft(&[&fixed[..], &more].concat())
    };
    for (listen, sockets) in [("/tmp/dev.ctl", None), (&*own("dev.ctl"), Some("/tmp/x")), (&own("../dev.ctl"), None)] {
        assert_eq!(delegate(listen, sockets).status, 1, "{listen} {sockets:?}");
    }
    symlink("/tmp", scene.directory().join("away")).expect("the test may write anywhere");
    for (listen, sockets) in [(own("away/dev.ctl"), None), (own("dev.ctl"), Some(own("away/dev")))] {
        assert_eq!(delegate(&listen, sockets.as_deref()).status, 65, "{listen} {sockets:?}");
    }
    assert!(!scene.directory().join("dev.ctl").exists(), "nothing is left of that");
    delegate(&own("dev.ctl"), Some(&own("dev"))).expect_ok();
    let dev = |arguments: &[&str]| weft_at(&scene.directory().join("dev.ctl"), arguments);
    assert_eq!(dev(&["port", "list", "--no-header"]).expect_ok(), "", "nothing of red's");
    let add = ["port", "add", "/:vm1", "--vhost-user"];
    assert_eq!(dev(&[&add[..], &[&own("vm1.sock")]].concat()).status, 1, "in red's directory");
    dev(&[&add[..], &[&own("dev/vm1.sock")]].concat()).expect_ok();
    let port = scene.json(&["port", "show", "dev:vm1"]);
    assert_eq!(port["limits"], json!({ "flood_frames": { "rate": 7, "burst": 64 } }), "what holds for red");
    assert_eq!(scene.daemon.port("vm1")["namespace"], "red/dev");
    scene.weft(&["namespace", "undelegate", "dev"]).expect_ok();
    assert_eq!(dev(&["status"]).status, 3);
}
