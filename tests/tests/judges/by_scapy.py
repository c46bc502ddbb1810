# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Router Advertisements by scapy, and what whoever reads them must find in them: standard output, a JSON document a line.

Arguments: how many advertisements, seed, source MAC.

frame, octets: the frame, and the ICMPv6 message in it, in hex. router: its source. ra: what is to be seen of the
advertisement by itself. pvd: what is to be known of its PvD, of which it is the only one.
"""

import ipaddress
import json
import random
import struct
import sys

from scapy.layers.inet6 import (
    ICMPv6ND_RA,
    ICMPv6NDOptDNSSL,
    ICMPv6NDOptEFA,
    ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptRDNSS,
    ICMPv6NDOptRouteInfo,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6NDOptUnknown,
    IPv6,
)
from scapy.layers.l2 import Ether

FOREVER = 0xFFFFFFFF
PREFERENCES = {0: "medium", 1: "high", 3: "low"}
PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
# Octets that are left for options in a frame of 1514.
ROOM = 1500 - 40 - 16


def network(rng, length):
    """A prefix with something behind its length, and the prefix alone."""
    address = ipaddress.IPv6Address((0x20010DB8 << 96) | rng.getrandbits(96))
    return str(address), str(ipaddress.IPv6Network((address, length), strict=False))


def lifetime(rng):
    return rng.choice((FOREVER, 0, rng.randrange(600, FOREVER), rng.randrange(600, 9000)))


def lasts(seconds):
    return "for ever" if seconds == FOREVER else f"for {seconds} s"


def labels(rng, alphabet):
    return [bytes(rng.choices(alphabet, k=rng.randrange(1, 64))) for _ in range(rng.randrange(1, 4))]


def wire(name):
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def text(name):
    """As RFC 4343 section 2.1 wants it, and of letters, digits, hyphens and underscores nothing escaped."""
    octets = lambda label: "".join(chr(o) if o in PLAIN else f"\\{o:03}" for o in label.lower())
    return "".join(octets(label) + "." for label in name)


def padded(octets, unit=8, before=2):
    return octets + bytes(-(before + len(octets)) % unit)


def unknown(kind, data):
    data = padded(data)
    return ICMPv6NDOptUnknown(type=kind, len=(2 + len(data)) // 8, data=data)


class Option:
    """An option, how it is to be told, and what is to be known by it: facts and parameters."""

    def __init__(self, code, name, layer, value, facts=(), parameters=()):
        self.layer, self.parameters = layer, dict(parameters)
        self.told = {"code": code, "name": name, "value": value, "hex": bytes(layer).hex()}
        self.facts = facts


def fact(kind, value, valid, preferred=None, flags=()):
    span = lambda seconds: None if seconds == FOREVER else seconds
    preferred = valid if preferred is None else preferred
    return {"kind": kind, "value": value, "flags": list(flags), "valid_s": span(valid), "preferred_s": span(preferred)}


def prefix(rng, lasting=0):
    length, valid = rng.choice((64, 64, 48, 127, 128, 1)), lasting or lifetime(rng)
    preferred = rng.choice((valid, 0, min(valid, rng.randrange(600, 9000))))
    on_link, autonomous = rng.getrandbits(1), rng.getrandbits(1)
    sent, shown = network(rng, length)
    flags = [name for name, has in (("on-link", on_link), ("autonomous", autonomous)) if has]
    layer = ICMPv6NDOptPrefixInfo(
        prefixlen=length, L=on_link, A=autonomous, validlifetime=valid, preferredlifetime=preferred, prefix=sent
    )
    value = f"{shown} {','.join(flags)} valid {lasts(valid)}, preferred {lasts(preferred)}"
    return Option(3, "prefix", layer, value, [fact("prefix", shown, valid, preferred, flags)])


def route(rng):
    length, valid, preference = rng.choice((0, 16, 48, 64, 65, 128)), lifetime(rng), rng.choice((0, 1, 2, 3))
    shown = network(rng, length)[1]
    layer = ICMPv6NDOptRouteInfo(plen=length, prf=preference, rtlifetime=valid, prefix=shown.split("/")[0])
    # Of the reserved preference whoever reads it must ignore the option (RFC 4191 section 2.3).
    if preference == 2:
        return Option(24, "route", layer, None)
    preference = PREFERENCES[preference]
    value = f"{shown} {preference} {lasts(valid)}"
    return Option(24, "route", layer, value, [fact("route", shown, valid, None, [preference])])


def rdnss(rng):
    servers, valid = [network(rng, 128)[0] for _ in range(rng.randrange(1, 6))], lifetime(rng)
    value = f"{' '.join(servers)} {lasts(valid)}"
    facts = [fact("rdnss", server, valid) for server in servers]
    return Option(25, "rdnss", ICMPv6NDOptRDNSS(lifetime=valid, dns=servers), value, facts)


def dnssl(rng):
    names, valid = [labels(rng, PLAIN + b"ABC") for _ in range(rng.randrange(1, 4))], lifetime(rng)
    searchlist = [b".".join(name).decode() + "." for name in names]
    value = f"{' '.join(map(text, names))} {lasts(valid)}"
    facts = [fact("dnssl", text(name), valid) for name in names]
    return Option(31, "dnssl", ICMPv6NDOptDNSSL(lifetime=valid, searchlist=searchlist), value, facts)


def pref64(rng):
    code, valid = rng.randrange(6), rng.choice((0, rng.randrange(75, 8192) * 8))
    sent, shown = network(rng, (96, 64, 56, 48, 40, 32)[code])
    layer = unknown(38, struct.pack(">H", valid | code) + ipaddress.IPv6Address(sent).packed[:12])
    return Option(38, "pref64", layer, f"{shown} {lasts(valid)}", [fact("pref64", shown, valid)])


def mtu(rng):
    octets = rng.randrange(1280, 1501)
    return Option(5, "mtu", ICMPv6NDOptMTU(mtu=octets), str(octets), (), {"mtu": octets})


def captive_portal(rng):
    uri = "https://example.org/" + "x" * rng.randrange(20)
    return Option(37, "captive-portal", unknown(37, uri.encode()), uri, (), {"captive_portal": uri})


def flags(rng):
    bits = rng.getrandbits(48)
    return Option(26, "flags", ICMPv6NDOptEFA(res=bits), f"{bits:012x}")


def link_layer(rng):
    mac = "02:" + ":".join(f"{rng.getrandbits(8):02x}" for _ in range(5))
    return Option(1, "source-link-layer", ICMPv6NDOptSrcLLAddr(lladdr=mac), mac)


def strange(rng):
    code, name = rng.choice(((253, "unknown"), (2, "unknown"), (144, "encrypted-dns"), (14, "send")))
    return Option(code, name, unknown(code, rng.randbytes(rng.randrange(6, 40))), None)


MANY, ONCE = (prefix, route, rdnss, dnssl, pref64, strange), (mtu, captive_portal, flags, link_layer)


def options(rng, kinds, room):
    """Options of these kinds, those that may be there once taken away from them."""
    found = []
    for _ in range(rng.randrange(7)):
        kind = rng.choice(kinds)
        option = kind(rng)
        if len(bytes(option.layer)) > room:
            break
        room -= len(bytes(option.layer))
        found.append(option)
        if kind in ONCE:
            kinds.remove(kind)
    return found


class Header:
    """The fixed part, and what is to be known by it."""

    def __init__(self, rng):
        preference = rng.choice((0, 1, 2, 3))
        self.router_s = rng.choice((0, 9000, rng.randrange(600, 65536)))
        m, o, h, p = (rng.getrandbits(1) for _ in range(4))
        fields = {"hop_limit": rng.randrange(256), "reachable_ms": rng.getrandbits(32), "retrans_ms": rng.getrandbits(32)}
        self.layer = ICMPv6ND_RA(
            chlim=fields["hop_limit"], M=m, O=o, H=h, P=p, prf=preference, routerlifetime=self.router_s,
            reachabletime=fields["reachable_ms"], retranstimer=fields["retrans_ms"],
        )
        named = (("managed", m), ("other", o), ("home-agent", h), ("proxy", p))
        fields["flags"] = [name for name, has in named if has]
        # The reserved one is medium, and so is that of a router that is no default router (RFC 4191 section 2.2).
        fields["preference"] = PREFERENCES.get(preference, "medium") if self.router_s else "medium"
        self.parameters = fields


def known(header, options):
    """Parameters by a header and options, the later before the earlier."""
    parameters = {"mtu": 0, "captive_portal": None, **header.parameters}
    for option in options:
        parameters.update(option.parameters)
    return parameters


def facts(options):
    """What is known by options: of two about the same thing by the later, and nothing by one that takes it back."""
    found = {(fact["kind"], fact["value"]): fact for option in options for fact in option.facts}
    return [fact for fact in found.values() if fact["valid_s"] != 0]


class Pvd:
    """A PvD Option: no layer of scapy's, so its octets are put together here as RFC 8801 section 3.1 has them."""

    def __init__(self, rng, kinds):
        self.name = labels(rng, PLAIN if rng.getrandbits(1) else bytes(range(256)))
        http, legacy, has_header = rng.getrandbits(1), rng.getrandbits(1), rng.getrandbits(1)
        sequence, delay, reserved = rng.getrandbits(16), rng.getrandbits(4), rng.getrandbits(9)
        bits = http << 15 | legacy << 14 | has_header << 13 | reserved << 4 | delay
        data = padded(struct.pack(">HH", bits, sequence) + wire(self.name))
        self.header = Header(rng) if has_header else None
        if self.header:
            self.header.layer.cksum = 0
            data += bytes(self.header.layer)
        self.inside = options(rng, kinds, 900 - len(data)) + [prefix(rng, 9000)]
        data += b"".join(bytes(option.layer) for option in self.inside)
        self.flags = [name for name, has in (("http", http), ("legacy", legacy), ("header", has_header)) if has]
        value = " ".join([text(self.name), *self.flags, f"sequence {sequence} delay {delay}"])
        self.option = Option(21, "pvd", unknown(21, data), value)
        self.sequence, self.delay = (sequence, delay) if http else (0, 0)


def advertisement(rng, number, mac):
    router, header, kinds = f"fe80::{number + 1:x}", Header(rng), list(MANY + ONCE)
    pvd = Pvd(rng, kinds) if rng.random() < 0.7 else None
    outside = options(rng, kinds, ROOM - (len(bytes(pvd.option.layer)) if pvd else 0) - 32) + [prefix(rng, 9000)]
    outer = outside + ([pvd.option] if pvd else [])
    rng.shuffle(outer)
    # Those inside the PvD Option hold before those outside (RFC 8801 section 3.4), wherever it stands.
    inside = pvd.inside if pvd else []
    all_options = [option for option in outer if not pvd or option is not pvd.option] + inside
    told = []
    for option in outer:
        told.append({**option.told, "nested": False})
        if pvd and option is pvd.option:
            told += [{**one.told, "nested": True} for one in inside]
    packet = IPv6(src=router, dst="ff02::1", hlim=255) / header.layer
    for option in outer:
        packet /= option.layer
    frame = bytes(Ether(dst="33:33:00:00:00:01", src=mac) / packet)
    own = pvd.header if pvd and pvd.header else header
    return {
        "frame": frame.hex(),
        "octets": frame[54:].hex(),
        "router": router,
        "ra": {"parameters": known(header, outer), "router_s": header.router_s, "options": told},
        "pvd": {
            "name": text(pvd.name) if pvd else None,
            "flags": pvd.flags if pvd else [],
            "sequence": pvd.sequence if pvd else 0,
            "delay": pvd.delay if pvd else 0,
            "parameters": known(own, all_options),
            "router_s": own.router_s,
            "facts": facts(all_options),
        },
    }


if __name__ == "__main__":
    rng = random.Random(int(sys.argv[2]))
    for number in range(int(sys.argv[1])):
        print(json.dumps(advertisement(rng, number, sys.argv[3])))
