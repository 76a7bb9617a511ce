"""Holds a demo server to python3-h2: http2_h2.py URL FILE"""
import hashlib
import json
import socket
import ssl
import sys
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

url, file = sys.argv[1:]
parts = urlsplit(url)
checks = 0


def same(got, want):
    global checks
    if got != want:
        raise SystemExit(f"got {got!r}, want {want!r}")
    checks += 1


class Client:
    def __init__(self, **settings):
        self.sock = socket.create_connection((parts.hostname, parts.port), timeout=20)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2", "http/1.1"])
            self.sock = context.wrap_socket(self.sock, server_hostname=parts.hostname)
            same(self.sock.selected_alpn_protocol(), "h2")
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.conn = h2.connection.H2Connection(config)
        self.conn.initiate_connection()
        if settings:
            self.conn.update_settings(settings["values"])
        self.flush()
        self.heads, self.bodies, self.trailers, self.ended, self.resets = {}, {}, {}, set(), {}
        self.pongs, self.away = [], None

    def flush(self):
        self.sock.sendall(self.conn.data_to_send())

    def request(self, method, path, fields=(), end=True):
        stream = self.conn.get_next_available_stream_id()
        head = [(":method", method), (":scheme", parts.scheme), (":authority", parts.netloc), (":path", path)]
        self.conn.send_headers(stream, head + list(fields), end_stream=end)
        self.bodies[stream] = b""
        self.flush()
        return stream

    def step(self):
        data = self.sock.recv(65536)
        if not data:
            raise SystemExit("the connection was closed")
        for ev in self.conn.receive_data(data):
            if isinstance(ev, h2.events.ResponseReceived):
                self.heads[ev.stream_id] = dict(ev.headers)
            elif isinstance(ev, h2.events.DataReceived):
                self.bodies[ev.stream_id] += ev.data
                self.conn.acknowledge_received_data(ev.flow_controlled_length, ev.stream_id)
            elif isinstance(ev, h2.events.TrailersReceived):
                self.trailers[ev.stream_id] = dict(ev.headers)
            elif isinstance(ev, h2.events.StreamEnded):
                self.ended.add(ev.stream_id)
            elif isinstance(ev, h2.events.StreamReset):
                self.resets[ev.stream_id] = ev.error_code
                self.ended.add(ev.stream_id)
            elif isinstance(ev, h2.events.PingAckReceived):
                self.pongs.append(ev.ping_data)
            elif isinstance(ev, h2.events.ConnectionTerminated):
                raise SystemExit(f"GOAWAY {ev.error_code} {ev.additional_data!r}")
        self.flush()

    def wait(self, *streams):
        while not set(streams) <= self.ended:
            self.step()

    def upload(self, stream, data, trailers=None, pad=None):
        while data:
            size = min(self.conn.local_flow_control_window(stream), self.conn.max_outbound_frame_size, len(data) + (pad or 0) + 1)
            if pad is not None:
                size -= pad + 1
            if size <= 0:
                self.step()
                continue
            self.conn.send_data(stream, data[:size], pad_length=pad)
            data = data[size:]
            self.flush()
        if trailers:
            self.conn.send_headers(stream, trailers, end_stream=True)
        else:
            self.conn.end_stream(stream)
        self.flush()


with open(file, "rb") as f:
    large = f.read()
answer = {"bytes": len(large), "sha256": hashlib.sha256(large).hexdigest()}

c = Client()
s = c.request("GET", "/plaintext")
c.wait(s)
same(c.heads[s][":status"], "200")
same(c.bodies[s], b"Hello, World!")

s = c.request("POST", "/echo", [("cookie", "a=b"), ("cookie", "c=d"), ("te", "trailers"), ("x-big", "y" * 30000)], end=False)
c.upload(s, b"hello")
c.wait(s)
echo = json.loads(c.bodies[s])
same(echo["body"], "hello")
same(echo["fields"]["Cookie"], ["a=b; c=d"])
same(len(echo["fields"]["X-Big"][0]), 30000)

for pad in (None, 0, 255):
    s = c.request("POST", "/upload", end=False)
    c.upload(s, large, pad=pad)
    c.wait(s)
    same(json.loads(c.bodies[s]), answer)
s = c.request("POST", "/upload", end=False)
c.upload(s, large, trailers=[("x-sum", "1")])
c.wait(s)
same(json.loads(c.bodies[s]), answer)

sizes = [i * 4001 for i in range(90)]
streams = [c.request("GET", f"/bytes/{n}") for n in sizes]
c.wait(*streams)
for s, n in zip(streams, sizes):
    same(len(c.bodies[s]), n)

c.conn.ping(b"12345678")
c.flush()
while not c.pongs:
    c.step()
same(c.pongs, [b"12345678"])

# Windows of one octet at first, then larger: the stream goes on where it was.
small = Client(values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1, h2.settings.SettingCodes.HEADER_TABLE_SIZE: 0})
s = small.request("GET", "/bytes/100")
small.wait(s)
same(len(small.bodies[s]), 100)
s = small.request("GET", "/bytes/50000")
for _ in range(20):
    small.step()
small.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 65535})
small.flush()
small.wait(s)
same(len(small.bodies[s]), 50000)

# A stream that is reset in the middle does no harm to another.
s = c.request("GET", "/bytes/100000000")
while len(c.bodies[s]) < 100000:
    c.step()
c.conn.reset_stream(s, h2.errors.ErrorCodes.CANCEL)
c.flush()
s = c.request("GET", "/bytes/1000000")
c.wait(s)
same(len(c.bodies[s]), 1000000)
print(f"python3-h2: {checks} checks passed")
