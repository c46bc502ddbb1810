# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Frames with offloads and what must become of them, by scapy: standard output.

Arguments: how many cases, destination MAC, source MAC.

One line a case: the fields of the virtio-net header (gso_type, hdr_len, gso_size, csum_start, csum_offset), the frame as a
driver hands it over, and each frame that a receiver without offloads must get, all separated by blanks, bytes in hex.
"""

import random
import struct
import sys

from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, in4_pseudoheader
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, PadN, in6_pseudoheader
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import checksum

KINDS = {(4, TCP): 1, (6, TCP): 4, (4, UDP): 5, (6, UDP): 5}
CHECKSUM = {TCP: 16, UDP: 6}


def ether(to, source, tags):
    packet = Ether(dst=to, src=source)
    for tag in range(tags):
        packet = packet / Dot1Q(vlan=tag + 5)
    return packet


def network(version, extended, index):
    if version == 4:
        options = [IPOption_NOP()] * 4 if extended else []
        return IP(src="192.0.2.1", dst="192.0.2.2", id=(0xFFFE + index) & 0xFFFF, options=options)
    packet = IPv6(src="2001:db8::1", dst="2001:db8::2")
    return packet / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) if extended else packet


def transport(protocol, offset, first, last, options):
    if protocol is UDP:
        return UDP(sport=5001, dport=5002)
    flags = ("FP" if last else "") + ("C" if first else "") + "A"
    return TCP(sport=5001, dport=80, seq=(0xFFFFF000 + offset) & 0xFFFFFFFF, ack=7, window=500, flags=flags, options=options)


def pseudo_sum(packet, protocol, length):
    """What a driver leaves in the checksum's place: the sum of the pseudo header."""
    number = 6 if protocol is TCP else 17
    if IP in packet:
        pseudo = in4_pseudoheader(number, packet[IP], length)
    else:
        pseudo = bytes(in6_pseudoheader(number, packet[IPv6], length))
    return ~checksum(pseudo) & 0xFFFF


def case(rng, to, source):
    version, protocol, tags = rng.choice((4, 6)), rng.choice((TCP, UDP)), rng.randrange(3)
    extended, segmented = rng.random() < 0.5, rng.random() < 0.7
    options = [("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)] if rng.random() < 0.5 else []
    payload = rng.randbytes(rng.choice((1, 2, 99, 1300)) if not segmented else rng.randrange(1, 9000))
    size = rng.randrange(60, 1300) if segmented else len(payload)

    def frame(index, piece, last):
        headers = ether(to, source, tags) / network(version, extended, index)
        return headers / transport(protocol, index * size, index == 0, last, options) / Raw(piece)

    whole = frame(0, payload, True)
    sent = bytearray(bytes(whole))
    header_len = len(whole[protocol]) - len(payload)
    start = len(sent) - len(whole[protocol])
    place = start + CHECKSUM[protocol]
    sent[place : place + 2] = struct.pack(">H", pseudo_sum(whole, protocol, len(whole[protocol])))
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    expected = [bytes(frame(index, piece, index + 1 == len(pieces))) for index, piece in enumerate(pieces)]
    kind = KINDS[version, protocol] if segmented else 0
    fields = [kind, start + header_len if segmented else 0, size if segmented else 0, start, CHECKSUM[protocol]]
    return " ".join([*map(str, fields), sent.hex(), *(part.hex() for part in expected)])


def main():
    count, to, source = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    rng = random.Random(1)
    for _ in range(count):
        print(case(rng, to, source))


main()
