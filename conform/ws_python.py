"""python3-websockets against a running demo server: python3 conform/ws_python.py ws://HOST:PORT"""
import asyncio
import os
import sys

import websockets

BASE = sys.argv[1]
checks = failures = 0


def same(name, want, got):
    global checks, failures
    checks += 1
    if want != got:
        failures += 1
        print(f"FAIL {name}\n  want: {want!r:.200}\n  got:  {got!r:.200}")


async def echo(path, compression):
    options = dict(compression=compression, max_size=None, ping_interval=None)
    async with websockets.connect(BASE + path, **options) as s:
        names = [e.name for e in s.extensions] if hasattr(s, "extensions") else []
        same(path + " extensions", ["permessage-deflate"] if compression else [], names)
        noise = os.urandom(16_000_000)
        for message in ("", "hello", "héllo 😀", "x" * 1_000_000, b"", noise[:126], noise[:65536], noise, bytes(16_000_000)):
            await s.send(message)
            same(f"{path} {compression} {type(message).__name__} of {len(message)}", message, await s.recv())
        # A message in fragments, and a ping.
        await s.send(part for part in ["one ", "two ", "three"])
        same(path + " fragments", "one two three", await s.recv())
        await asyncio.wait_for(await s.ping(b"payload"), 10)
        same(path + " ping", True, True)
        await s.close(code=4000, reason="done")
        same(path + " close", 4000, s.close_code)


async def violations():
    async with websockets.connect(BASE + "/ws/chat", max_size=None) as s:
        await s.send(b"binary is not for a chat")
        try:
            while True:
                await s.recv()
        except websockets.ConnectionClosed as e:
            same("/ws/chat binary", 1003, e.code if hasattr(e, "code") else e.rcvd.code)
    async with websockets.connect(BASE + "/ws/chat", max_size=None) as s:
        await s.send("x" * 10_000)
        try:
            while True:
                await s.recv()
        except websockets.ConnectionClosed as e:
            same("/ws/chat too long", 1009, e.code if hasattr(e, "code") else e.rcvd.code)


async def main():
    for path in ("/ws/echo", "/native/ws/echo"):
        for compression in (None, "deflate"):
            await asyncio.wait_for(echo(path, compression), 60)
    await asyncio.wait_for(violations(), 20)


asyncio.run(main())
print(f"python websockets {websockets.__version__}: " + (f"{failures} of {checks} checks failed" if failures else f"{checks} checks passed"))
sys.exit(failures > 0)
