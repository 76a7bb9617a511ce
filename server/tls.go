package server

import "bytes"

// notTLS is what a client hears that speaks plain HTTP where TLS is expected.
const notTLS = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 55\r\nConnection: close\r\n\r\n" +
	"This port speaks HTTPS; your request came in plain text"

// NotTLS is for a TLS layer that met something else (tlswrap.Options.NotTLS): it answers the start of a plain HTTP/1.x request with a
// 400 (Bad Request) that says so, and anything else with nothing.
func NotTLS(first []byte) []byte {
	// RFC 9112 section 3: a request begins with its method, a token, and a space. All registered ones begin with a capital letter.
	word, _, _ := bytes.Cut(first[:min(len(first), 16)], []byte{' '})
	if len(word) == 0 || len(word) == 16 {
		return nil
	}
	for _, c := range word {
		if c < 'A' || c > 'Z' {
			return nil
		}
	}
	return []byte(notTLS)
}
