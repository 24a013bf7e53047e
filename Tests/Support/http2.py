# SPDX-License-Identifier: Apache-2.0
"""One HTTP/2 connection over TLS that does exactly what a test says: windows, resets and ends that no client library offers."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .server import HOST


@dataclasses.dataclass
class Stream:
    """What has come on one stream."""

    status: int = 0
    body: bytes = b""
    is_complete: bool = False
    reset: int | None = None


def tls_context(certificate: str, protocols: list[str]) -> ssl.SSLContext:
    """A client that trusts one certificate and offers `protocols` (ALPN)."""
    context = ssl.create_default_context(cafile=certificate)
    context.set_alpn_protocols(protocols)
    return context


class HTTP2Connection:
    def __init__(self, port: int, certificate: str, window: int | None = None):
        """`window` is what each stream may be sent before it is given more; without one everything is taken."""
        self.window = window
        self.streams: dict[int, Stream] = {}
        self.is_closed = False
        self.pongs = 0
        raw = socket.create_connection((HOST, port), timeout=30)
        self.socket = tls_context(certificate, ["h2"]).wrap_socket(raw, server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        if window is not None:
            self.state.local_settings = h2.settings.Settings(
                client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
            )
        self.state.initiate_connection()
        self.flush()

    def __enter__(self) -> "HTTP2Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        data = self.state.data_to_send()
        if data:
            self.socket.sendall(data)

    def open(self, method: str, path: str, fields: dict[str, str] | None = None, ends: bool = True) -> int:
        """Sends the head of a request and returns its stream's number."""
        number = self.state.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        self.state.send_headers(number, head + list((fields or {}).items()), end_stream=ends)
        self.streams[number] = Stream()
        self.flush()
        return number

    def send(self, number: int, data: bytes, ends: bool = False) -> None:
        self.state.send_data(number, data, end_stream=ends)
        self.flush()

    def settle(self) -> None:
        """Returns once the server has taken in all that was sent."""
        self.pongs = 0
        self.state.ping(b"settled?")
        self.flush()
        assert self.wait(lambda: self.pongs > 0, 10)

    def widen(self, number: int, count: int) -> None:
        """Lets the server send `count` more bytes on a stream."""
        self.state.increment_flow_control_window(count, number)
        self.flush()

    def wait(self, until, seconds: float) -> bool:
        """Reads until `until()` holds. False when it does not within `seconds`, or the connection ends before."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0 or self.is_closed:
                return until()
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return until()
            except (ConnectionError, ssl.SSLError):
                data = b""
            if not data:
                self.is_closed = True
                continue
            self.take(self.state.receive_data(data))
        return True

    def take(self, events: list) -> None:
        for event in events:
            if isinstance(event, h2.events.ResponseReceived):
                self.streams[event.stream_id].status = int(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.streams[event.stream_id].body += event.data
                if event.flow_controlled_length:
                    self.state.increment_flow_control_window(event.flow_controlled_length)
                    if self.window is None and not event.stream_ended:
                        self.state.increment_flow_control_window(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.streams[event.stream_id].is_complete = True
            elif isinstance(event, h2.events.PingAckReceived):
                self.pongs += 1
            elif isinstance(event, h2.events.StreamReset):
                self.streams[event.stream_id].reset = event.error_code
        self.flush()

    def result(self, number: int, seconds: float = 20) -> Stream:
        """What has come on a stream once it is over."""
        stream = self.streams[number]
        self.wait(lambda: stream.is_complete or stream.reset is not None, seconds)
        return stream
