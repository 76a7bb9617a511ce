package http1

// Name numbers a standard field name; NameOther is everything else. Numbers are stable within a build only.
type Name uint8

// The standard field names: those of RFC 9110, 9111 and 9112, and of the documents that browsers and servers use
// every day (cookies, CORS, security policies, WebSocket, forwarding).
const (
	NameOther Name = iota
	NameTE
	NameAge
	NameDNT
	NameVia
	NameDate
	NameETag
	NameFrom
	NameHost
	NameLink
	NameVary
	NameAllow
	NameRange
	NameAccept
	NameCookie
	NameExpect
	NameOrigin
	NamePragma
	NameServer
	NameAltSvc
	NameExpires
	NameReferer
	NameTrailer
	NameUpgrade
	NameIfMatch
	NameIfRange
	NameLocation
	NamePriority
	NameForwarded
	NameConnection
	NameKeepAlive
	NameSecCHUA
	NameSetCookie
	NameUserAgent
	NameRetryAfter
	NameContentType
	NameEarlyData
	NameIfNoneMatch
	NameMaxForwards
	NameAcceptRanges
	NameContentRange
	NameLastModified
	NameCacheControl
	NameServerTiming
	NameSecFetchDest
	NameSecFetchMode
	NameSecFetchSite
	NameSecFetchUser
	NameAuthorization
	NameContentLength
	NameAcceptCharset
	NameXForwardedFor
	NameXFrameOptions
	NameAcceptEncoding
	NameAcceptLanguage
	NameReferrerPolicy
	NameXForwardedHost
	NameContentEncoding
	NameContentLanguage
	NameContentLocation
	NameProxyConnection
	NameWWWAuthenticate
	NameXForwardedProto
	NameIfModifiedSince
	NameSecWebSocketKey
	NameTransferEncoding
	NameAuthenticationInfo
	NameProxyAuthenticate
	NameContentDisposition
	NameIfUnmodifiedSince
	NameProxyAuthorization
	NameSecWebSocketAccept
	NameSecWebSocketVersion
	NameSecWebSocketProtocol
	NameXContentTypeOptions
	NameContentSecurityPolicy
	NameSecWebSocketExtensions
	NameStrictTransportSecurity
	NameUpgradeInsecureRequests
	NameAccessControlAllowOrigin
	NameAccessControlAllowHeaders
	NameAccessControlAllowMethods
	NameAccessControlRequestMethod
	NameAccessControlRequestHeaders
	numNames
)

// names holds the usual spelling of each Name, in an order where equal lengths stand together.
var names = [numNames]string{
	NameTE: "TE", NameAge: "Age", NameDNT: "DNT", NameVia: "Via", NameDate: "Date", NameETag: "ETag",
	NameFrom: "From", NameHost: "Host", NameLink: "Link", NameVary: "Vary", NameAllow: "Allow",
	NameRange: "Range", NameAccept: "Accept", NameCookie: "Cookie", NameExpect: "Expect",
	NameOrigin: "Origin", NamePragma: "Pragma", NameServer: "Server", NameAltSvc: "Alt-Svc",
	NameExpires: "Expires", NameReferer: "Referer", NameTrailer: "Trailer", NameUpgrade: "Upgrade",
	NameIfMatch: "If-Match", NameIfRange: "If-Range", NameLocation: "Location", NamePriority: "Priority",
	NameForwarded: "Forwarded", NameConnection: "Connection", NameKeepAlive: "Keep-Alive",
	NameSecCHUA: "Sec-CH-UA", NameSetCookie: "Set-Cookie", NameUserAgent: "User-Agent",
	NameRetryAfter: "Retry-After", NameContentType: "Content-Type", NameEarlyData: "Early-Data",
	NameIfNoneMatch: "If-None-Match", NameMaxForwards: "Max-Forwards", NameAcceptRanges: "Accept-Ranges",
	NameContentRange: "Content-Range", NameLastModified: "Last-Modified", NameCacheControl: "Cache-Control",
	NameServerTiming: "Server-Timing", NameSecFetchDest: "Sec-Fetch-Dest", NameSecFetchMode: "Sec-Fetch-Mode",
	NameSecFetchSite: "Sec-Fetch-Site", NameSecFetchUser: "Sec-Fetch-User", NameAuthorization: "Authorization",
	NameContentLength: "Content-Length", NameAcceptCharset: "Accept-Charset", NameXForwardedFor: "X-Forwarded-For",
	NameXFrameOptions: "X-Frame-Options", NameAcceptEncoding: "Accept-Encoding",
	NameAcceptLanguage: "Accept-Language", NameReferrerPolicy: "Referrer-Policy",
	NameXForwardedHost: "X-Forwarded-Host", NameContentEncoding: "Content-Encoding",
	NameContentLanguage: "Content-Language", NameContentLocation: "Content-Location",
	NameProxyConnection: "Proxy-Connection", NameWWWAuthenticate: "WWW-Authenticate",
	NameXForwardedProto: "X-Forwarded-Proto", NameIfModifiedSince: "If-Modified-Since",
	NameSecWebSocketKey: "Sec-WebSocket-Key", NameTransferEncoding: "Transfer-Encoding",
	NameAuthenticationInfo: "Authentication-Info", NameProxyAuthenticate: "Proxy-Authenticate",
	NameContentDisposition: "Content-Disposition", NameIfUnmodifiedSince: "If-Unmodified-Since",
	NameProxyAuthorization: "Proxy-Authorization", NameSecWebSocketAccept: "Sec-WebSocket-Accept",
	NameSecWebSocketVersion: "Sec-WebSocket-Version", NameSecWebSocketProtocol: "Sec-WebSocket-Protocol",
	NameXContentTypeOptions: "X-Content-Type-Options", NameContentSecurityPolicy: "Content-Security-Policy",
	NameSecWebSocketExtensions:      "Sec-WebSocket-Extensions",
	NameStrictTransportSecurity:     "Strict-Transport-Security",
	NameUpgradeInsecureRequests:     "Upgrade-Insecure-Requests",
	NameAccessControlAllowOrigin:    "Access-Control-Allow-Origin",
	NameAccessControlAllowHeaders:   "Access-Control-Allow-Headers",
	NameAccessControlAllowMethods:   "Access-Control-Allow-Methods",
	NameAccessControlRequestMethod:  "Access-Control-Request-Method",
	NameAccessControlRequestHeaders: "Access-Control-Request-Headers",
}

const maxNameLen = 30 // of names

// nameBuckets lists the names by length.
var nameBuckets = func() (b [maxNameLen + 1][]Name) {
	for n := NameOther + 1; n < numNames; n++ {
		b[len(names[n])] = append(b[len(names[n])], n)
	}
	return b
}()

// LookupName returns the number of a field name, in any case (RFC 9110 section 5.1), or NameOther. It looks at the names
// of the same length only, and does not allocate.
func LookupName(b []byte) Name {
	if len(b) > maxNameLen || len(b) == 0 {
		return NameOther
	}
	first := b[0] | 0x20
	for _, n := range nameBuckets[len(b)] {
		if s := names[n]; s[0]|0x20 == first && EqualFold(b, s) {
			return n
		}
	}
	return NameOther
}

// String returns the usual spelling of the name, "" for NameOther.
func (n Name) String() string {
	if n < numNames {
		return names[n]
	}
	return ""
}

// InternName returns a field name as a string: without allocation and in its usual spelling if it is a standard name, in
// any case, else a copy of b.
func InternName(b []byte) string {
	if n := LookupName(b); n != NameOther {
		return names[n]
	}
	return string(b)
}

// InternValue returns a field value as a string, without allocation for the values that most messages carry.
func InternValue(b []byte) string {
	switch string(b) {
	case "":
		return ""
	case "*/*":
		return "*/*"
	case "close":
		return "close"
	case "keep-alive":
		return "keep-alive"
	case "upgrade":
		return "upgrade"
	case "Upgrade":
		return "Upgrade"
	case "websocket":
		return "websocket"
	case "h2c":
		return "h2c"
	case "trailers":
		return "trailers"
	case "chunked":
		return "chunked"
	case "identity":
		return "identity"
	case "gzip":
		return "gzip"
	case "br":
		return "br"
	case "zstd":
		return "zstd"
	case "gzip, deflate":
		return "gzip, deflate"
	case "gzip, deflate, br":
		return "gzip, deflate, br"
	case "gzip, deflate, br, zstd":
		return "gzip, deflate, br, zstd"
	case "0":
		return "0"
	case "1":
		return "1"
	case "bytes":
		return "bytes"
	case "no-cache":
		return "no-cache"
	case "no-store":
		return "no-store"
	case "max-age=0":
		return "max-age=0"
	case "100-continue":
		return "100-continue"
	case "nosniff":
		return "nosniff"
	case "text/plain":
		return "text/plain"
	case "text/plain; charset=utf-8":
		return "text/plain; charset=utf-8"
	case "text/html":
		return "text/html"
	case "text/html; charset=utf-8":
		return "text/html; charset=utf-8"
	case "application/json":
		return "application/json"
	case "application/grpc":
		return "application/grpc"
	case "application/octet-stream":
		return "application/octet-stream"
	case "application/x-www-form-urlencoded":
		return "application/x-www-form-urlencoded"
	}
	return string(b)
}

// TrailerAllowed reports whether a field may stand in a trailer section as far as its name is known: not what describes
// framing, routing, authentication, request modifiers, response controls or content format (RFC 9110 section 6.5.1-2).
func TrailerAllowed(name []byte) bool {
	switch LookupName(name) {
	case NameTransferEncoding, NameContentLength, NameTrailer, NameTE, NameConnection, NameKeepAlive,
		NameProxyConnection, NameUpgrade, // framing, connection
		NameHost, NameForwarded, NameXForwardedFor, NameXForwardedHost, NameXForwardedProto, // routing
		NameAuthorization, NameProxyAuthorization, NameWWWAuthenticate, NameProxyAuthenticate, // authentication
		NameCookie, NameSetCookie, NameOrigin,
		NameCacheControl, NamePragma, NameExpect, NameMaxForwards, NameRange, NameIfMatch, NameIfNoneMatch,
		NameIfModifiedSince, NameIfUnmodifiedSince, NameIfRange, // request modifiers
		NameAge, NameDate, NameExpires, NameLocation, NameRetryAfter, NameVary, // response controls
		NameContentEncoding, NameContentType, NameContentRange: // content format
		return false
	}
	return true
}
