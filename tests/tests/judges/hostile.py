# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Router Advertisements that must not be believed, by scapy: standard output, a JSON document a line.

Arguments: "malformed" or "evasive", source MAC.

malformed: of a router. Those that may be used are of a PvD of their own (taken); the others would end good.example and
its router if they were believed.
evasive: of a host that is no router, which hides them (RFC 7113), and for each why it is to be dropped. Without a reason it
must pass: nobody takes it for an advertisement.
"""

import json
import struct
import sys

from scapy.layers.inet6 import (
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6ND_Redirect,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptUnknown,
    ICMPv6Unknown,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

ROUTER = "fe80::1"
ICMP6, EXPERIMENT, ESP, AUTHENTICATION, NOTHING, MOBILITY = 58, 253, 50, 51, 59, 135


def frame(packet, mac):
    return bytes(Ether(dst="33:33:00:00:00:01", src=mac) / packet).hex()


def ip(**fields):
    return IPv6(**{"src": ROUTER, "dst": "ff02::1", "hlim": 255, **fields})


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def option(kind, data, units=None):
    data += bytes(-(2 + len(data)) % 8)
    return ICMPv6NDOptUnknown(type=kind, len=(2 + len(data)) // 8 if units is None else units, data=data)


def pvd(name, inside=b"", flags=0):
    head = struct.pack(">HH", flags, 7) + (wire(name) if isinstance(name, str) else name)
    return option(21, head + bytes(-(2 + len(head)) % 8) + inside)


def prefix(network="2001:db8:1::", lifetime=1800):
    return ICMPv6NDOptPrefixInfo(prefix=network, prefixlen=64, validlifetime=lifetime, preferredlifetime=lifetime)


GOOD = "good.example"
# What ends all that is known of it: no router any more, and no prefix.
END = ICMPv6ND_RA(routerlifetime=0, prf=0)
GONE = prefix(lifetime=0)
LIVE = ICMPv6ND_RA(routerlifetime=1800, prf=0)


def malformed():
    """Names, what is to be taken of them, packets."""
    nested = pvd("nested.example", bytes(prefix("2001:db8:3::")))
    yield "two_pvd", "first.example.", ip() / LIVE / pvd("first.example") / pvd(GOOD) / prefix("2001:db8:2::")
    yield "nested_pvd", "outer.example.", ip() / LIVE / pvd("outer.example", bytes(nested) + bytes(prefix("2001:db8:4::")))
    reserved = pvd("reserved.example", flags=0x1FF0)
    yield "reserved_bits", "reserved.example.", ip() / LIVE / reserved / prefix("2001:db8:5::")
    bad = {
        "compress_ptr": END / pvd(b"\4good\xc0\x06") / GONE,
        "nested_zero_len": END / pvd(GOOD, bytes(option(3, b"\0" * 6, 0))) / GONE,
        "nested_overrun": END / pvd(GOOD, bytes(option(3, b"\0" * 6, 9))) / GONE,
        "unterminated": END / pvd(b"\4good\x3fexample") / GONE,
        "label_of_64": END / pvd(b"\x40" + b"a" * 64 + b"\0") / GONE,
        "long_name": END / pvd((b"\x3f" + b"a" * 63) * 4 + b"\0") / GONE,
        "root_name": END / pvd(b"\0") / GONE,
        "rflag_short": END / pvd(GOOD, bytes(8), flags=0x2000) / GONE,
        "zero_len": END / pvd(GOOD) / GONE / option(1, bytes(6), 0),
        "overrun": END / pvd(GOOD) / GONE / option(1, bytes(6), 2),
        "cut_option": END / pvd(GOOD) / GONE / Raw(b"\1"),
        "code": ICMPv6ND_RA(routerlifetime=0, code=1) / pvd(GOOD) / GONE,
        "checksum": ICMPv6ND_RA(routerlifetime=0, cksum=0x1234) / pvd(GOOD) / GONE,
    }
    for name, message in bad.items():
        yield name, None, ip() / message
    whole = END / pvd(GOOD) / GONE
    yield "hop_limit", None, ip(hlim=254) / whole
    yield "global_source", None, ip(src="2001:db8::1") / whole
    yield "short", None, ip() / ICMPv6Unknown(type=134, msgbody=bytes(8))
    yield "longer_than_its_packet", None, ip(plen=400) / whole
    yield "atomic_fragment", None, ip() / IPv6ExtHdrFragment(nh=ICMP6, id=1) / whole


def padding(octets):
    return PadN(optdata=bytes(octets))


def cut(packet, first, second):
    """Two fragments of what follows the IPv6 header; octets `first` of it, then `second`, whatever is between."""
    rest, nh = bytes(packet)[40:], packet.nh
    for at, m, payload in ((0, 1, rest[:first]), (second, 0, rest[second:])):
        yield ip() / IPv6ExtHdrFragment(nh=nh, offset=at // 8, m=m, id=7) / Raw(payload)


def evasive():
    """Names, reasons, packets."""
    rogue, fragmented, unclear, strange = "rogue-router", "fragmented-nd", "unclassifiable", "unrecognised-header"
    message = LIVE / pvd("rogue.example") / prefix("2001:db8:66::")
    whole = ip() / message
    octets = bytes(whole)[40:]
    hop, to = lambda n: IPv6ExtHdrHopByHop(options=[padding(n)]), lambda n: IPv6ExtHdrDestOpt(options=[padding(n)])
    route = IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=0)
    yield "plain", rogue, whole
    yield "redirect", rogue, ip() / ICMPv6ND_Redirect(tgt="fe80::66", dst="2001:db8::1")
    yield "hop_by_hop", rogue, ip() / hop(4) / message
    yield "destination", rogue, ip() / to(4) / message
    yield "routing", rogue, ip() / route / message
    yield "all_of_them", rogue, ip() / hop(4) / to(12) / route / to(4) / message
    yield "a_long_one", rogue, ip() / to(244) / message
    yield "four_long_ones", rogue, ip() / to(244) / to(244) / to(244) / to(244) / message
    yield "forty_short_ones", rogue, ip() / chain([to(4)] * 40) / message
    yield "hop_by_hop_at_the_end", rogue, ip() / to(4) / hop(4) / message
    authentication = struct.pack(">BBHIIQ", ICMP6, 4, 0, 1, 1, 0) + bytes(4)
    yield "authentication", rogue, ip(nh=AUTHENTICATION) / Raw(authentication + octets)
    yield "mobility", rogue, ip(nh=MOBILITY) / Raw(bytes([ICMP6, 0, 0, 0, 0, 0, 0, 0]) + octets)
    yield "atomic_fragment", rogue, ip() / IPv6ExtHdrFragment(nh=ICMP6, id=1) / message
    yield "atomic_behind_options", rogue, ip() / to(4) / IPv6ExtHdrFragment(nh=ICMP6, id=1) / message
    first, _ = cut(whole, 32, 32)
    yield "first_of_two", rogue, first
    # What anybody may say, and nobody in fragments (RFC 6980).
    yield "solicitation_in_a_fragment", fragmented, ip() / IPv6ExtHdrFragment(nh=ICMP6, id=1) / ICMPv6ND_RS()
    first, last = cut(ip() / to(244) / message, 64, 64)
    yield "first_without_the_chain", unclear, first
    # It says nothing without the first.
    yield "last_of_two", None, last
    first, _ = cut(ip() / to(244) / message, 248, 248)
    yield "first_without_the_message", unclear, first
    yield "options_cut_short", unclear, ip(nh=60) / Raw(bytes([ICMP6, 200]) + bytes(6) + octets)
    yield "experiment", strange, ip(nh=EXPERIMENT) / Raw(octets)
    yield "experiment_behind_options", strange, ip() / IPv6ExtHdrDestOpt(nh=EXPERIMENT, options=[padding(4)]) / Raw(octets)
    yield "encrypted", None, ip(nh=ESP) / Raw(octets)
    yield "nothing_follows", None, ip(nh=NOTHING) / Raw(octets)


def chain(headers):
    whole = headers[0].copy()
    for header in headers[1:]:
        whole /= header.copy()
    return whole


def tagged(mac):
    whole = ip() / LIVE / pvd("rogue.example")
    for name, tags in (("tag", Dot1Q(vlan=5)), ("two_tags", Dot1AD(vlan=5) / Dot1Q(vlan=6)), ("same_tags", Dot1Q() / Dot1Q())):
        yield name, "rogue-router", bytes(Ether(dst="33:33:00:00:00:01", src=mac) / tags / whole).hex()


if __name__ == "__main__":
    kind, mac = sys.argv[1:]
    if kind == "malformed":
        good = ip() / LIVE / pvd(GOOD) / prefix()
        print(json.dumps({"name": "good", "taken": GOOD + ".", "frame": frame(good, mac)}))
        for name, taken, packet in malformed():
            print(json.dumps({"name": name, "taken": taken, "frame": frame(packet, mac)}))
    else:
        for name, reason, packet in evasive():
            print(json.dumps({"name": name, "reason": reason, "frame": frame(packet, mac)}))
        for name, reason, octets in tagged(mac):
            print(json.dumps({"name": name, "reason": reason, "frame": octets}))
