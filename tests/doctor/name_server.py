"""An authoritative name server on loopback, UDP and TCP, which answers from a zone and can behave badly."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

#: (name, type) -> records as a zone file has them; TXT texts are given bare and are quoted here.
Zone = Mapping[tuple[str, str], Sequence[str]]


@dataclass
class NameServer:
    """What it knows, how it misbehaves, what it was asked."""

    zone: dict[tuple[str, str], Sequence[str]]
    silent: set[str] = field(default_factory=set)  #: names whose questions are never answered
    failing: set[str] = field(default_factory=set)  #: names answered with SERVFAIL
    truncated: set[str] = field(default_factory=set)  #: names whose UDP answers are cut: ask by TCP
    garbled: set[str] = field(default_factory=set)  #: names answered with bytes that are no message
    raw: dict[str, bytes] = field(default_factory=dict)  #: name -> one TXT string of any bytes
    asked: list[tuple[str, str, str]] = field(default_factory=list)  #: name, type, protocol
    port: int = 0

    def resolver(self) -> dns.asyncresolver.Resolver:
        """A resolver that asks nobody else."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self.port
        resolver.timeout = 0.5
        return resolver

    def answer(self, wire: bytes, protocol: str) -> bytes | None:
        """The bytes of the answer; None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, protocol))
        if name in self.silent:
            return None
        if name in self.garbled:
            return wire[:2] + b"\xff" * 40
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        if name in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.truncated and protocol == "udp":
            reply.flags |= dns.flags.TC
        elif name in self.raw and kind == "TXT":
            escaped = "".join(f"\\{byte:03d}" for byte in self.raw[name])
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, f'"{escaped}"'))
        else:
            self._fill(reply, name, kind)
        if protocol == "udp" and len(wire := reply.to_wire(max_size=65535)) > 1232:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        return reply.to_wire(max_size=65535)

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        known = {each for each, _ in self.zone}
        if (name, "CNAME") in self.zone:
            target = self.zone[name, "CNAME"][0]
            reply.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", target))
            name = target.rstrip(".")
        records = self.zone.get((name, kind))
        if records:
            texts = [_quoted(text) for text in records] if kind == "TXT" else list(records)
            reply.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *texts))
        elif name not in known and not any(each.endswith(f".{name}") for each in known):
            reply.set_rcode(dns.rcode.NXDOMAIN)


def _quoted(text: str) -> str:
    """The text as strings of at most 255 octets."""
    pieces = [text[at : at + 250] for at in range(0, len(text), 250)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, connection = self.request
        server = self.server
        assert isinstance(server, _UdpServer)
        if (reply := server.names.answer(wire, "udp")) is not None:
            connection.sendto(reply, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, _TcpServer)
        length = int.from_bytes(self.rfile.read(2), "big")
        if (reply := server.names.answer(self.rfile.read(length), "tcp")) is not None:
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    names: NameServer


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    names: NameServer


@contextlib.contextmanager
def serving(zone: Zone) -> Iterator[NameServer]:
    """Answer on a free port of loopback, by both protocols, until the block ends."""
    names = NameServer(dict(zone))
    udp, tcp = _bound_pair()
    udp.names = tcp.names = names
    names.port = int(udp.server_address[1])
    threads = [threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True) for each in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield names
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join(5)


def _bound_pair() -> tuple[_UdpServer, _TcpServer]:
    while True:
        udp = _UdpServer(("127.0.0.1", 0), _Udp)
        try:
            return udp, _TcpServer(("127.0.0.1", udp.server_address[1]), _Tcp)
        except OSError:  # somebody else has that port for TCP
            udp.server_close()


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
