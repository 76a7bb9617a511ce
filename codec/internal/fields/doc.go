// Package fields judges decoded field sections: the rules of RFC 9113 section 8 and RFC 9114 section 4 for requests,
// responses and trailer sections, which differ in a paragraph or two. It takes a list of fields as HPACK or QPACK has decoded it,
// looks at each field once, allocates nothing, and returns a Verdict: one number for each rule that can be broken. The
// protocols give the verdicts their own reasons, each with the clause of its RFC.
//
// What passes can be written as HTTP/1.1 without changing the message: names are tokens in lower case, values hold no
// control characters, the method is a token, path and authority hold what a request target may hold, content-length is one number
// (RFC 9113 section 10.3).
package fields
