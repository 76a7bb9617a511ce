// node's HTTP/2 server: node node_server.mjs KEY CERT prints the ports of h2c and of TLS, and serves until it is ended.
import http2 from 'node:http2'
import fs from 'node:fs'
import crypto from 'node:crypto'

function answer(req, res) {
  const url = new URL(req.url, 'http://a')
  if (url.pathname === '/plaintext') return res.end('Hello, World!')
  if (url.pathname === '/large') return res.end(Buffer.alloc(3000000, 'x'))
  if (url.pathname === '/hint') {
    res.writeEarlyHints({ link: '</a>; rel=preload' })
    return res.end('hinted')
  }
  if (url.pathname !== '/upload') { res.statusCode = 404; return res.end() }
  const sum = crypto.createHash('sha256')
  let bytes = 0
  req.on('data', c => { sum.update(c); bytes += c.length })
  req.on('end', () => {
    res.addTrailers({ 'x-sum': 'sent' })
    res.end(bytes + ' ' + sum.digest('hex'))
  })
}
const plain = http2.createServer(answer).listen(0, '127.0.0.1', () => {
  const [key, cert] = process.argv.slice(2).map(f => fs.readFileSync(f))
  const secure = http2.createSecureServer({ key, cert, allowHTTP1: false }, answer).listen(0, '127.0.0.1', () => {
    console.log(plain.address().port, secure.address().port)
  })
})
