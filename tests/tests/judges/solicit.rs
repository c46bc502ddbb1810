// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! rdisc6 and the Linux kernel ask for routers: one that lives answers, and weft keeps silent; for one that died weft
//! answers, with what is left of what it had said.

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::netns::{Cable, Netns};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::nd::{NdMessage, NdPacket};
use wire::{MacAddr, build};

use crate::lab::{CONFIG, HOST, ROUTER, Router, Tools, assert_alike, await_routes, bring_up, plug, rdisc6};
use crate::tshark::{assert_agree, options, read, shown_options, tshark};

/// Where in a frame the IPv6 packet begins.
const PACKET: usize = 14;

/// A router and a host on a daemon's ports. Cables are pulled before the namespaces and the daemon go.
struct Scene {
    router: Router,
    _cables: [Cable; 2],
    host: Netns,
    daemon: Weftd,
    tools: Tools,
}

impl Scene {
    /// A host that has learned all from a router that is configured like this; `None` as of [`Tools::find`].
    fn open(config: &str) -> Option<Scene> {
        let mut scene = Scene::quiet(&[])?;
        scene.speak(config);
        Some(scene)
    }

    /// A router that has said nothing yet, on a port with these options, and a host.
    fn quiet(options: &[&str]) -> Option<Scene> {
        let tools = Tools::find()?;
        let (router, host, daemon) = (Router::new(), Netns::make(), Weftd::start());
        daemon.add_namespace("red");
        let options = [&["--role", "router"], options].concat();
        let cables = [plug(&daemon, &router.netns, "r1", ROUTER, &options), plug(&daemon, &host, "h1", HOST, &[])];
        [&router.netns, &host].into_iter().for_each(bring_up);
        Some(Scene { router, _cables: cables, host, daemon, tools })
    }

    /// The router begins, and the host learns all.
    fn speak(&mut self, config: &str) {
        self.router.advertise(&self.tools.radvd, config);
        await_routes(&self.host);
    }

    /// How often weft has said again what the router said.
    fn hits(&self) -> u64 {
        self.daemon.json(&["ra", "list", "red"])[0]["hits"].as_u64().expect("the router is remembered")
    }
}

#[test]
fn a_router_that_lives_answers_alone() {
    // Nothing but answers: what it says unasked could be mistaken for a second one.
    let Some(scene) = Scene::open(&format!("UnicastOnly on; {CONFIG}")) else { return };
    let before = scene.hits();
    // All answers that come within two seconds, of which weft would have given its own after half a second.
    let asked = scene.host.command(&scene.tools.rdisc6).args(["-m", "-r", "1", "-w", "2000", "eth0"]).output();
    let text = String::from_utf8(asked.expect("it ran before").stdout).expect("text");
    assert_eq!(text.matches(" from fe80::").count(), 1, "{text}");
    assert_eq!(scene.hits(), before, "weft has nothing to say");
}

#[test]
fn a_router_that_died_is_still_heard() {
    let Some(mut scene) = Scene::open(CONFIG) else { return };
    let known = await_routes(&scene.host);
    scene.router.die();
    let before = scene.hits();
    let answer = rdisc6(&scene.tools.rdisc6, &scene.host);
    let lifetime =
        answer.lines().find_map(|line| line.strip_prefix("Router lifetime           :")).expect("a lifetime");
    let left: u64 = lifetime.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number");
    assert!((1740..1800).contains(&left), "aged, and not by much: {answer}");
    for line in [" Prefix                   : 2001:db8:1::/64", " Recursive DNS server     : 2001:db8:1::53"] {
        assert!(answer.contains(line), "{line} of {answer}");
    }
    assert!(scene.hits() > before, "it was weft that answered");

    // A host that is new learns the same from its own kernel's solicitation.
    let fresh = Netns::make();
    let _cable = plug(&scene.daemon, &fresh, "h2", HOST + 1, &[]);
    bring_up(&fresh);
    assert_alike(&known, &await_routes(&fresh));
    let told = fresh.ip_json("-6 addr show dev eth0 scope global");
    let address = &told[0]["addr_info"][0];
    assert_eq!(address["local"], json!("2001:db8:1:0:77:65ff:fe66:7403"), "{told:#}");
    until("the end of the answer's first second", Deadline::patient(), || {
        let routes = fresh.ip_json("-6 route show default");
        routes[0]["expires"].as_u64().is_some_and(|left| left < 1800)
    });
}

#[test]
fn tshark_reads_an_answer_as_weft_shows_what_it_remembers() {
    let Some(tshark) = tshark() else { return };
    let Some(mut scene) = Scene::open(CONFIG) else { return };
    scene.router.die();
    scene.daemon.add_port("red", "h3", HOST + 2, &[]);
    let mut guest = scene.daemon.attach("h3", HOST + 2);
    let frame = solicited(&mut guest);
    let mut shown = scene.daemon.json(&["ra", "show", "red", "1"]);
    let mut answer = read(&tshark, &[frame]).remove(0);
    let left = answer["icmpv6.nd.ra.router_lifetime"].as_str().and_then(|left| left.parse::<u64>().ok());
    assert!(left.is_some_and(|left| (1740..1800).contains(&left)), "aged, and not by much: {answer:#}");
    // Everything else is the same but for what is left of lifetimes.
    shown["router_s"] = json!(left);
    forget_lifetimes(&mut shown);
    forget_lifetimes(&mut answer);
    assert_agree(&answer, &shown);
}

#[test]
fn a_host_does_not_notice_the_name_that_its_router_is_given() {
    let (Some(tshark), Some(plain)) = (tshark(), Scene::open(CONFIG)) else { return };
    let known = await_routes(&plain.host);
    drop(plain);
    let Some(mut scene) = Scene::quiet(&["--inject-pvd", "work.example,http,sequence=7,delay=3"]) else { return };
    scene.daemon.add_port("red", "h3", HOST + 2, &[]);
    let mut guest = scene.daemon.attach("h3", HOST + 2);
    scene.speak(CONFIG);
    assert_alike(&known, &await_routes(&scene.host));
    let got = guest.recv_until(Deadline::patient(), |got| is_advert(&got.frame)).expect("an advertisement");
    let read = read(&tshark, &[got.frame]).remove(0);
    assert_eq!(read["icmpv6.checksum.status"], "1", "{read:#}");
    let (named, others): (Vec<_>, Vec<_>) = options(&read, false).into_iter().partition(|(kind, ..)| kind == "21");
    let name = "work.example. http sequence 7 delay 3";
    assert_eq!(named, [("21".to_owned(), false, Some(name.to_owned()))]);
    let listed = scene.daemon.json(&["ra", "list", "red"]);
    assert_eq!((&listed[0]["pvd"], &listed[0]["injected"]), (&json!("work.example."), &json!(true)), "{listed:#}");
    // It is remembered as it came, or as it went on: without the name it is the same.
    let number = listed[0]["number"].to_string();
    let mut came = shown_options(&scene.daemon.json(&["ra", "show", "red", &number]));
    came.retain(|(kind, ..)| kind != "21");
    assert_eq!(others, came);
}

/// Whether a frame is a Router Advertisement.
fn is_advert(frame: &[u8]) -> bool {
    matches!(NdPacket::validate(&frame[PACKET..]), Ok(packet) if matches!(packet.message, NdMessage::Advert(_)))
}

/// Solicits as a host with an address does, and returns the frame of the answer.
fn solicited(guest: &mut SyntheticGuest) -> Vec<u8> {
    let mac = MacAddr(guest.mac());
    guest.send(&build::solicitation(mac, "fe80::3".parse().expect("an address")));
    let is_advert =
        |frame: &[u8]| matches!(NdPacket::validate(&frame[PACKET..]), Ok(packet) if packet.octets[0] == 134);
    let answer = guest.recv_until(Deadline::patient(), |got| is_advert(&got.frame) && got.frame[..6] == mac.0);
    answer.expect("an answer").frame
}

/// Puts one minute in the place of every lifetime of an option, whoever tells it.
fn forget_lifetimes(told: &mut Value) {
    match told {
        Value::Array(all) => all.iter_mut().for_each(forget_lifetimes),
        Value::Object(fields) => {
            for (key, field) in fields {
                match key.ends_with("lifetime") && key.starts_with("icmpv6.opt.") {
                    // One counts eights.
                    true => *field = json!(if key.contains("scaled") { "8" } else { "64" }),
                    false => forget_lifetimes(field),
                }
            }
        }
        Value::String(text) if text.ends_with(" s") => {
            let words: Vec<&str> = text.split(' ').collect();
            let forgotten = (0..words.len()).map(|at| match at.checked_sub(1).map(|before| words[before]) {
                Some("for") => "64",
                _ => words[at],
            });
            *text = forgotten.collect::<Vec<_>>().join(" ");
        }
        _ => {}
    }
}
