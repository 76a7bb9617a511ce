// node's own WebSocket against a running demo server: node [--experimental-websocket] conform/ws_node.mjs ws://HOST:PORT
import { randomFillSync } from "node:crypto";

const base = process.argv[2];
let failed = 0, checks = 0;
function same(name, want, got) {
	checks++;
	if (want !== got) { failed++; console.log(`FAIL ${name}\n  want: ${String(want).slice(0, 200)}\n  got:  ${String(got).slice(0, 200)}`); }
}
const late = setTimeout(() => { console.log("FAIL: node waited in vain"); process.exit(1); }, 90_000);

function open(path) {
	return new Promise((yes, no) => {
		const s = new WebSocket(base + path);
		s.binaryType = "arraybuffer";
		s.onopen = () => yes(s);
		s.onerror = e => no(new Error("cannot open " + path + ": " + (e.message || e.type)));
	});
}
const next = s => new Promise((yes, no) => { s.onmessage = e => yes(e.data); s.onclose = e => no(new Error("closed " + e.code)); });

const noise = new Uint8Array(16_000_000), flat = new Uint8Array(16_000_000).fill(7);
randomFillSync(noise);
for (const path of ["/ws/echo", "/native/ws/echo"]) {
	const s = await open(path);
	for (const text of ["", "hello", "h\u00e9llo \u{1f600}", "x".repeat(1_000_000), "\u00fc".repeat(300_000)]) {
		s.send(text);
		same(path + " text", text, await next(s));
	}
	for (const bytes of [new Uint8Array(0), noise.subarray(0, 126), noise.subarray(0, 65_536), noise, flat]) {
		s.send(bytes);
		same(path + " " + bytes.length + " bytes", true, Buffer.from(await next(s)).equals(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
	}
	for (let i = 0; i < 1000; i++) s.send("message " + i);
	const got = [];
	await new Promise(yes => { s.onmessage = e => { got.push(e.data); if (got.length === 1000) yes(); }; });
	same(path + " a thousand at once", true, got.every((m, i) => m === "message " + i));
	const closed = new Promise(yes => { s.onclose = yes; });
	s.close(3000, "done");
	const e = await closed;
	same(path + " close", "3000 true", e.code + " " + e.wasClean);
	console.log(`node on ${path}: extensions "${s.extensions}"`);
}
const a = await open("/ws/chat"), b = await open("/ws/chat");
const line = "line " + Math.random();
const heard = new Promise(yes => { b.onmessage = e => { if (e.data.endsWith(": " + line)) yes(true); }; });
a.send(line);
same("/ws/chat", true, await heard);
a.close();
b.close();
clearTimeout(late);
console.log(failed ? `node: ${failed} of ${checks} checks failed` : `node: ${checks} checks passed`);
process.exit(failed ? 1 : 0);
