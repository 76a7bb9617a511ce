package fuzz

import "strings"

// Modes returns the mode lines of a target of laws, nil for any other, in the order of the byte that chooses one. The order never changes and no line ever
// goes, or the inputs that engines have collected would mean something else; what the corpus has on top is added at the end by
//
//	go run ./fuzz/cmd/seeds -modes
func Modes(target string) []string {
	text, ok := modes[target]
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// modes has one line for each configuration.
var modes = map[string]string{
	"HTTP1Request": `request
eof request
lenient=BareLF request
chunkline=32 request
chunkexcess=64 request
chunkexcess=-1 request
body=5 request
ascii request
fields=4 request
field=32 request
head=60 request
fields=-1 request
lenient=SpaceBeforeColon request
lenient=ObsFold request
lenient=LeadingSpace request
lenient=MixedCaseMethod request
lenient=OversizeTarget request
lenient=OversizeHead request
lenient=EmptyChunkExt request
lenient=ChunkExtChars request
lenient=RepeatedLength request
lenient=LengthWithChunked request
crlf=-1 request
line=32 request
line=-1 request
`,
	"HTTP1Response": `response to=GET
eof response to=GET
response to=HEAD
response to=HEAD,GET
response to=GET,GET
response to=CONNECT
info=1 response to=GET
response to=GET upgrade
lenient=ObsFold response to=GET
lenient=BareLF response to=GET
ascii response to=GET
body=5 response to=GET
`,
	"HPACK": `
list=84
list=83
list=90
list=1000
fields=10
fields=5
string=16 table=4
string=16 table=40
table=256
table=100
table=70
table=50
table=60
table=-1
`,
	"HTTP2Frames": `
stream
max=16400
server
whole
server whole
`,
	"HTTP2Server": `server
conts=3 server
block=75 server
block=74 server
server streams=1
server table=-1
early-priorities=1 server
answer server
server window=10
greedy server window=10
connwindow=65535 greedy server
connwindow=65535 reset server
connwindow=65535 server
resets=3 server
answer resets=1 server
resets=2 server
resets=2 server streams=1
pings=3 server
fruitless=50 server
fruitless=300 server
fruitless=9 server
fruitless=90 server
answer fruitless=9 server
fruitless=5 reset server
fruitless=3 goaway server
fruitless=20 server
connect server
list=182 server
list=170 server
fields=4 server
list=200 server
eof server
h2settings=AAQAAP__ server upgraded
server upgraded
early server
reset server
hold server
server streams=2
answer server streams=1
held=1 hold server streams=1
goaway server
`,
	"HTTP2Client": `client open=GET
client open=GET,GET
client info=2 open=GET
client open=HEAD
client open=CONNECT+
client list=100 open=GET
client open=POST+
client
client open=GET,POST+,GET
client eof open=GET
client open=GET window=3
client upgraded
`,
	"WSServer": `server
fruitless=5 server
fruitless=-1 server
deflate server
deflate server takeover=client
bits=8 deflate server
bits=9 deflate server
deflate message=1000 server
deflate message=4096 server
deflate message=1000 server takeover=client
deflate frame=4 server
bits=8 deflate server takeover=client
eof server
deflate eof server
message=-1 server
message=10 server
frame=4 message=8 server
fragments=4 server
fragments=2 server
fruitless=3 server
fragments=-1 fruitless=-1 server
noutf8 server
`,
	"WSClient": `client
client deflate
client message=3
client eof
`,
	"QPACK": `
table=64
table=-1
table=34
blocked=2
blocked=-1
blocked=1
list=1000
fields=10
string=16
table=220
table=100
`,
	"QUICFrames": `eof size=0
eof size=5
eof size=14
eof size=2
client eof initial size=2
eof handshake size=3
0rtt eof size=5
eof size=3
eof size=1
eof size=6
eof size=7
eof size=4
eof initial size=11
client eof size=2
eof size=12
eof size=9
eof size=20
eof size=21
eof initial size=8
eof size=19
eof handshake size=8
client eof size=4
eof size=22
eof size=17
eof size=16
eof size=23
eof size=18
eof initial size=6
client eof size=1
0rtt eof size=9
`,
	"H3Server": `answer server
server
answer goaway server
answer server shutdown
connect server
connect datagrams server
datagrams server
datagrams maxstreams=3 server
section=172 server
section=171 server
fields=4 server
block=57 server
block=56 server
block=100 server
server streams=2
resets=3 server
resets=3 server streams=1
fruitless=100 server
fruitless=4 server
fruitless=20 server
fruitless=40 server
fruitless=5 goaway server
datagrams fruitless=5 server
fruitless=5 server
fruitless=200 server
answers=3 server table=220
early-priorities=2 server
early-priorities=-1 server
maxstreams=3 server
control=20 server
blocked=2 server
blocked=1 server
server table=-1
early server
reset server
server unis=3
`,
	"H3Client": `client open=GET,GET
client open=GET
client open=POST+
client open=HEAD
client open=CONNECT+
client fields=4 open=GET
block=100 client open=GET
client info=2 open=GET
client had-blocked=2 had-connect had-datagrams had-section=1000 had-table=200 resumed
client had-blocked=2 had-section=1000 resumed
client had-table=200 resumed
client had-blocked=2 resumed
client had-section=1000 resumed
client had-table=0 resumed
client had-connect resumed
client had-datagrams resumed
client
`,
	"GRPC": `eof plain
plain
max=4 plain
eof max=4 plain
max=-1 plain
compressed eof
compressed
eof web
web
compressed web
compressed eof web
`,
}
