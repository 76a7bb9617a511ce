// Holds a demo server to node's HTTP/2 client: node http2_node.mjs URL FILE
import http2 from 'node:http2'
import fs from 'node:fs'
import crypto from 'node:crypto'
import assert from 'node:assert/strict'

const [url, file] = process.argv.slice(2)
let checks = 0
const same = (got, want, what) => { assert.deepEqual(got, want, what); checks++ }
const session = http2.connect(url, { rejectUnauthorized: false })
session.on('error', err => { console.error(err); process.exit(1) })

function ask(headers, body, opts = {}) {
  return new Promise((resolve, reject) => {
    const req = session.request(headers, { endStream: body === undefined, ...opts })
    const out = { head: null, chunks: [], trailers: {} }
    req.on('response', h => { out.head = h })
    req.on('trailers', t => { out.trailers = t })
    req.on('data', c => out.chunks.push(c))
    req.on('error', reject)
    req.on('end', () => resolve({ head: out.head, body: Buffer.concat(out.chunks), trailers: out.trailers }))
    if (body !== undefined) req.end(body)
  })
}

let r = await ask({ ':path': '/plaintext' })
same(r.head[':status'], 200)
same(r.body.toString(), 'Hello, World!')
r = await ask({ ':path': '/echo', ':method': 'POST', 'x-many': ['a', 'b'], cookie: ['c=d', 'e=f'] }, 'hello')
const echo = JSON.parse(r.body)
same(echo.body, 'hello')
same(echo.version, 'HTTP/2.0')
same(echo.fields.Cookie, ['c=d; e=f'])
const data = fs.readFileSync(file)
r = await ask({ ':path': '/upload', ':method': 'PUT' }, data)
same(JSON.parse(r.body), { bytes: data.length, sha256: crypto.createHash('sha256').update(data).digest('hex') })

// Many at once, of all sizes.
const sizes = Array.from({ length: 80 }, (_, i) => i * 7919)
const all = await Promise.all(sizes.map(n => ask({ ':path': `/bytes/${n}` })))
all.forEach((r, i) => same(r.body.length, sizes[i]))

// A request that is cancelled, then others on the same connection.
await new Promise(resolve => {
  const req = session.request({ ':path': '/bytes/100000000' })
  req.once('data', () => req.close(http2.constants.NGHTTP2_CANCEL))
  req.on('data', () => {})
  req.on('error', () => {})
  req.on('close', resolve)
})
r = await ask({ ':path': '/plaintext' })
same(r.head[':status'], 200)

// Ping and a graceful end.
await new Promise((resolve, reject) => session.ping(Buffer.from('12345678'), (err, ms, payload) => {
  if (err) return reject(err)
  same(payload.toString(), '12345678')
  resolve()
}))
await new Promise(resolve => session.close(resolve))
checks++
console.log(`node: ${checks} checks passed`)
