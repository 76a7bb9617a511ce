package hpack

import "github.com/purewire/purewire/codec"

// staticLen is the number of entries of the static table; they have the indices 1 to staticLen, those of the dynamic
// table follow (RFC 7541 section 2.3.3).
const staticLen = 61

// staticText is the static table (RFC 7541 appendix A).
var staticText = [staticLen + 1]struct{ name, value string }{
	1:  {":authority", ""},
	2:  {":method", "GET"},
	3:  {":method", "POST"},
	4:  {":path", "/"},
	5:  {":path", "/index.html"},
	6:  {":scheme", "http"},
	7:  {":scheme", "https"},
	8:  {":status", "200"},
	9:  {":status", "204"},
	10: {":status", "206"},
	11: {":status", "304"},
	12: {":status", "400"},
	13: {":status", "404"},
	14: {":status", "500"},
	15: {"accept-charset", ""},
	16: {"accept-encoding", "gzip, deflate"},
	17: {"accept-language", ""},
	18: {"accept-ranges", ""},
	19: {"accept", ""},
	20: {"access-control-allow-origin", ""},
	21: {"age", ""},
	22: {"allow", ""},
	23: {"authorization", ""},
	24: {"cache-control", ""},
	25: {"content-disposition", ""},
	26: {"content-encoding", ""},
	27: {"content-language", ""},
	28: {"content-length", ""},
	29: {"content-location", ""},
	30: {"content-range", ""},
	31: {"content-type", ""},
	32: {"cookie", ""},
	33: {"date", ""},
	34: {"etag", ""},
	35: {"expect", ""},
	36: {"expires", ""},
	37: {"from", ""},
	38: {"host", ""},
	39: {"if-match", ""},
	40: {"if-modified-since", ""},
	41: {"if-none-match", ""},
	42: {"if-range", ""},
	43: {"if-unmodified-since", ""},
	44: {"last-modified", ""},
	45: {"link", ""},
	46: {"location", ""},
	47: {"max-forwards", ""},
	48: {"proxy-authenticate", ""},
	49: {"proxy-authorization", ""},
	50: {"range", ""},
	51: {"referer", ""},
	52: {"refresh", ""},
	53: {"retry-after", ""},
	54: {"server", ""},
	55: {"set-cookie", ""},
	56: {"strict-transport-security", ""},
	57: {"transfer-encoding", ""},
	58: {"user-agent", ""},
	59: {"vary", ""},
	60: {"via", ""},
	61: {"www-authenticate", ""},
}

// pair is a name and a value as slices.
type pair struct{ name, value []byte }

// static holds the same as views for fields. Nothing writes to these octets.
var static = makeStatic()

func makeStatic() (s [staticLen + 1]pair) {
	for i, e := range staticText {
		s[i] = pair{[]byte(e.name), []byte(e.value)}
		s[i].name = s[i].name[:len(e.name):len(e.name)]
		s[i].value = s[i].value[:len(e.value):len(e.value)]
	}
	return s
}

// staticEntry is an entry of the static table as it is put into a list.
type staticEntry struct {
	codec.Field
	size int // RFC 7541 section 4.1
}

var staticFields = makeStaticFields()

func makeStaticFields() (s [staticLen + 1]staticEntry) {
	for i, e := range static {
		s[i] = staticEntry{codec.Field{Name: e.name, Value: e.value}, len(e.name) + len(e.value) + overhead}
	}
	return s
}
