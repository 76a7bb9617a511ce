"""Tells what h11, h2 and wsproto make of strings of octets.

Standard input has cases, each a length of four octets, big endian, and that many octets: a line with the wire ("http1", "http2", "ws"), the role
that reads ("server", "client"), the method that a client has asked with, and "deflate" or "-", then what the reader gets, to the end of input. The
answer to each is a line of JSON on standard output; octets in it are the characters of ISO 8859-1, content is in hexadecimal digits. An empty case
asks for the versions.
"""

import json
import struct
import sys


def text(octets):
    return bytes(octets).decode("latin-1")


class Log:
    """What came of one input: the messages that are whole, and how it ended."""

    def __init__(self):
        self.messages = []

    def end(self, outcome, code="", reason="", left=-1):
        return {"outcome": outcome, "code": str(code), "reason": reason, "left": left, "messages": self.messages}


def message(head, authority=b"", fields=(), body=b"", trailers=()):
    return {
        "head": head,
        "authority": text(authority),
        "fields": [[text(n), text(v)] for n, v in fields],
        "trailers": [[text(n), text(v)] for n, v in trailers],
        "body": bytes(body).hex(),
    }


# h11


def authority(request):
    """The host that a request is for. h11 leaves it to its user to look into the target (RFC 9112 section 3.3)."""
    target = bytes(request.target)
    if request.method == b"CONNECT":
        return target
    scheme, found, rest = target.partition(b"://")
    if found and scheme and not scheme.startswith(b"/"):
        return rest.partition(b"/")[0].partition(b"?")[0]
    return next((v for n, v in request.headers if n == b"host"), b"")


def http1(role, method, octets):
    import h11

    server = role == "server"
    conn = h11.Connection(h11.SERVER if server else h11.CLIENT, max_incomplete_event_size=64 << 10)
    log = Log()
    left = len(octets)
    open_message = None

    def ask():
        if not server:
            conn.send(h11.Request(method=method, target="/", headers=[("Host", "a.test")]))
            conn.send(h11.EndOfMessage())

    try:
        ask()
        if octets:
            conn.receive_data(octets)
        while True:
            event = conn.next_event()
            if event is h11.NEED_DATA:
                # Between two messages, or inside of one? What only the end of input can end is ended by it.
                rest = len(conn.trailing_data[0])
                if conn.their_state in (h11.IDLE, h11.SEND_RESPONSE) and open_message is None and rest == 0:
                    return log.end("accept", left=rest)
                try:
                    conn.receive_data(b"")
                    event = conn.next_event()
                    while type(event) is h11.Data:
                        open_message[4].extend(event.data)
                        event = conn.next_event()
                except h11.RemoteProtocolError:
                    if open_message is not None:
                        head, host, fields, _, body = open_message
                        log.messages.append(message("open " + head, host, fields, body))
                    return log.end("more", left=left)
                if type(event) is not h11.EndOfMessage:
                    return log.end("none", reason="after the end of input: %r" % event)
            if event is h11.PAUSED:
                if conn.their_state is h11.MIGHT_SWITCH_PROTOCOL and open_message is not None:
                    log.messages.append(message(*open_message))
                    return log.end("accept", left=len(conn.trailing_data[0]))
                return log.end("none", reason="paused in %s" % conn.states)
            if type(event) is h11.Request:
                head = text(event.method) + " " + text(event.target)
                open_message = [head, authority(event), list(event.headers), None, bytearray()]
                method = event.method
            elif type(event) is h11.Response:
                open_message = [str(event.status_code), b"", list(event.headers), None, bytearray()]
            elif type(event) is h11.InformationalResponse:
                left = len(conn.trailing_data[0])
                switched = conn.their_state is h11.SWITCHED_PROTOCOL
                log.messages.append(message(("" if switched else "interim ") + str(event.status_code), b"", event.headers))
                if switched:
                    return log.end("accept", left=left)
            elif type(event) is h11.Data:
                open_message[4].extend(event.data)
            elif type(event) is h11.EndOfMessage:
                head, host, fields, _, body = open_message
                log.messages.append(message(head, host, fields, body, event.headers))
                open_message = None
                left = len(conn.trailing_data[0])
                if server:
                    if method == b"CONNECT":
                        return log.end("accept", left=left)
                    conn.send(h11.Response(status_code=204, headers=[]))
                    conn.send(h11.EndOfMessage())
                elif conn.their_state is h11.SWITCHED_PROTOCOL:
                    return log.end("accept", left=left)
                if h11.MUST_CLOSE in conn.states.values() or h11.CLOSED in conn.states.values() or left == 0:
                    return log.end("accept", left=left)
                conn.start_next_cycle()
                ask()
            elif type(event) is h11.ConnectionClosed:
                return log.end("accept", left=0)
    except h11.RemoteProtocolError as e:
        return log.end("reject", e.error_status_hint, str(e), left)


# h2


def http2(role, method, octets):
    import h2.config
    import h2.connection
    import h2.errors
    import h2.events
    import h2.exceptions
    import h2.settings

    server = role == "server"
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=not server, header_encoding=None))
    if not server:  # as ours, it takes no pushes
        conn.local_settings[h2.settings.SettingCodes.ENABLE_PUSH] = 0
        conn.local_settings.acknowledge()
    conn.initiate_connection()
    log = Log()
    streams, faults, gone, pings, rest = {}, [], [], [], []
    if not server:
        conn.send_headers(1, [(":method", method), (":scheme", "http"), (":authority", "a.test"), (":path", "/")], end_stream=True)
    conn.data_to_send()

    def name(code):
        try:
            return h2.errors.ErrorCodes(code).name
        except ValueError:
            return "0x%x" % code

    def pieces():
        """The preface, each frame, and what is left."""
        left = octets
        if server:
            yield left[:24]
            left = left[24:]
        while len(left) >= 9:
            n = 9 + int.from_bytes(left[:3], "big")
            yield left[:n]
            left = left[n:]
        if left:
            yield left

    def pseudo(headers, want):
        return next((v for n, v in headers if n == want), b"")

    def regular(headers):
        return [(n, v) for n, v in headers if not n.startswith(b":")]

    def take(event):
        kind = type(event)
        if kind is h2.events.RequestReceived:
            host = pseudo(event.headers, b":authority") or pseudo(event.headers, b"host")
            head = "%d %s %s" % (event.stream_id, text(pseudo(event.headers, b":method")), text(pseudo(event.headers, b":path")))
            streams[event.stream_id] = {"m": [head, host, regular(event.headers), bytearray(), []], "whole": False, "gone": False}
        elif kind is h2.events.ResponseReceived:
            head = "%d %s" % (event.stream_id, text(pseudo(event.headers, b":status")))
            streams[event.stream_id] = {"m": [head, b"", regular(event.headers), bytearray(), []], "whole": False, "gone": False}
        elif kind is h2.events.InformationalResponseReceived:
            rest.append(message("%d interim %s" % (event.stream_id, text(pseudo(event.headers, b":status"))), b"", regular(event.headers)))
        elif kind is h2.events.DataReceived:
            streams[event.stream_id]["m"][3].extend(event.data)
            if event.flow_controlled_length:
                conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif kind is h2.events.TrailersReceived:
            streams[event.stream_id]["m"][4] = regular(event.headers)
        elif kind is h2.events.StreamEnded:
            streams[event.stream_id]["whole"] = True
        elif kind is h2.events.StreamReset:
            streams.setdefault(event.stream_id, {"whole": False})["gone"] = True
            if event.remote_reset:
                rest.append(message("reset %d %s" % (event.stream_id, name(event.error_code))))
        elif kind is h2.events.ConnectionTerminated:
            gone.append(event.last_stream_id)
            rest.append(message("goaway %d %s" % (event.last_stream_id, name(event.error_code))))
        elif kind is h2.events.PingReceived:
            pings.append(bytes(event.ping_data))
            rest.append(message("ping " + bytes(event.ping_data).hex()))

    def sent():
        """The stream errors in what h2 has written: it has no event for those of streams that it has forgotten."""
        out = conn.data_to_send()
        while len(out) >= 9:
            n = 9 + int.from_bytes(out[:3], "big")
            if out[3] == 3:
                id = int.from_bytes(out[5:9], "big")
                faults.append("stream %d %s" % (id, name(int.from_bytes(out[9:13], "big"))))
                streams.setdefault(id, {"whole": False})["gone"] = True
            out = out[n:]

    try:
        for piece in pieces():
            for event in conn.receive_data(piece):
                take(event)
            sent()
    except h2.exceptions.ProtocolError as e:
        return log.end("reject", name(e.error_code), "connection %s: %s" % (type(e).__name__, e))
    for id in sorted(streams):
        s = streams[id]
        if not s["gone"]:
            head, host, fields, body, trailers = s["m"]
            log.messages.append(message(head if s["whole"] else "open " + head, host, fields, body, trailers))
    log.messages.extend(rest)
    if faults:
        return log.end("reject", faults[0].split()[-1], faults[0])
    waits = any(not s["whole"] and not s["gone"] for s in streams.values()) or not server and not streams
    if not gone:  # a PING is taken where a frame may begin
        pings.clear()
        try:
            for event in conn.receive_data(b"\0\0\x08\x06\0\0\0\0\0" + PING):
                take(event)
        except h2.exceptions.ProtocolError:
            pings.clear()
        waits = waits or pings != [PING]
    return log.end("more" if waits else "accept")


PING = b"purewire"


# wsproto

PROBE = b"purewire-probe"


def ws(role, deflate, octets):
    from wsproto.connection import Connection, ConnectionState, ConnectionType
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
    from wsproto.extensions import PerMessageDeflate

    extensions = []
    if deflate:
        d = PerMessageDeflate()
        d.finalize("permessage-deflate; client_no_context_takeover; server_no_context_takeover")
        extensions.append(d)
    server = role == "server"
    conn = Connection(ConnectionType.SERVER if server else ConnectionType.CLIENT, extensions)
    log = Log()
    body, kind = bytearray(), ""
    conn.receive_data(octets)
    for event in conn.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            kind = "text" if isinstance(event, TextMessage) else "binary"
            body.extend(event.data.encode("utf-8") if kind == "text" else event.data)
            if event.message_finished:
                log.messages.append(message(kind, body=body))
                body, kind = bytearray(), ""
        elif isinstance(event, (Ping, Pong)):
            log.messages.append(message("ping" if isinstance(event, Ping) else "pong", body=event.payload))
        elif isinstance(event, CloseConnection):
            if conn.state is ConnectionState.OPEN:
                return log.end("reject", int(event.code), event.reason or "")
            log.messages.append(message("close %d" % event.code, body=(event.reason or "").encode("utf-8")))
            return log.end("accept")
    # A ping comes out as it is only where a frame may begin.
    conn.receive_data(b"\x89" + bytes([len(PROBE) | (0x80 if server else 0)]) + (b"\0\0\0\0" if server else b"") + PROBE)
    event = next(conn.events(), None)
    between = isinstance(event, Ping) and bytes(event.payload) == PROBE
    return log.end("accept" if between and not kind else "more")


def versions():
    import h11
    import h2
    import wsproto

    return {"h11": h11.__version__, "h2": h2.__version__, "wsproto": wsproto.__version__, "python": sys.version.split()[0]}


def judge(case):
    line, _, octets = case.partition(b"\n")
    wire, role, method, deflate = line.decode("ascii").split(" ")
    try:
        if wire == "http1":
            return http1(role, method, octets)
        if wire == "http2":
            return http2(role, method, octets)
        return ws(role, deflate == "deflate", octets)
    except Exception as e:  # not an error that the library means to raise: it is told as it is
        return Log().end("none", type(e).__name__, str(e))


def main():
    while True:
        size = sys.stdin.buffer.read(4)
        if len(size) < 4:
            return
        case = sys.stdin.buffer.read(struct.unpack(">I", size)[0])
        sys.stdout.write(json.dumps(judge(case) if case else versions()) + "\n")
        sys.stdout.flush()


main()
