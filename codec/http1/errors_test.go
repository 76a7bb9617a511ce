package http1

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One input for every reason, so that none is dead and each is what its branch says.
func TestEveryReason(t *testing.T) {
	get, te := "GET / HTTP/1.1\r\nHost: a\r\n", chunkedHead
	tight := Options{Limits: Limits{RequestLine: 20, FieldLine: 30, Head: 60, Fields: 2, Body: 4, ChunkLine: 6, ChunkExcess: 1}}
	fold := Options{Leniency: Leniency{ObsFold: true}}
	repeated := Options{Leniency: Leniency{RepeatedLength: true}}
	client := conn{response: true}
	up := conn{response: true, upgrade: true}
	cut := conn{eof: true}
	type row struct {
		c  conn
		in string
	}
	rows := map[reason]row{
		rEmptyLines:         {conn{}, strings.Repeat("\r\n", 5)},
		rEmptyLineCR:        {conn{}, "\r\r"},
		rLineLong:           {conn{o: tight}, strings.Repeat("G", 22)},
		rTargetLong:         {conn{o: tight}, "GET /" + strings.Repeat("x", 22)},
		rLineCR:             {conn{}, "GET /\r HTTP/1.1\r\n"},
		rLineLF:             {conn{}, "GET / HTTP/1.1\n"},
		rMethod:             {conn{}, "("},
		rMethodEnd:          {conn{}, "G(\r\n"},
		rNoVersion:          {conn{}, "GET /\r\n"},
		rTargetEmpty:        {conn{}, "GET  / HTTP/1.1\r\n"},
		rTargetByte:         {conn{}, "GET /# HTTP/1.1\r\n"},
		rVersion:            {conn{}, "GET / HTTP/1.1 \r\n"},
		rVersionMajor:       {conn{}, "GET / HTTP/3.0\r\n"},
		rStatusVersion:      {client, "H\r\n"},
		rStatusVersionMajor: {client, "HTTP/3.0 200 \r\n"},
		rStatusCode:         {client, "HTTP/1.1 2x0 \r\n"},
		rStatusRange:        {client, "HTTP/1.1 000 \r\n"},
		rStatusSpace:        {client, "HTTP/1.1 200\r\n"},
		rReasonByte:         {client, "HTTP/1.1 200 \x01\r\n"},
		rHeadLong:           {conn{o: tight}, "GET / HTTP/1.1\r\nA: " + strings.Repeat("b", 20) + "\r\nB: " + strings.Repeat("b", 20) + "\r\n"},
		rFieldLong:          {conn{o: tight}, "GET / HTTP/1.1\r\n" + strings.Repeat("b", 32)},
		rFieldsMany:         {conn{o: tight}, get + "A:\r\nB:\r\n"},
		rFieldCR:            {conn{}, get + "A: \r \r\n"},
		rFieldLF:            {conn{}, get + "A: b\n"},
		rLeadingSpace:       {conn{}, "GET / HTTP/1.1\r\n A: b\r\n"},
		rObsFold:            {conn{}, get + " b\r\n"},
		rNameEmpty:          {conn{}, get + ":\r\n"},
		rNameByte:           {conn{}, get + "(:\r\n"},
		rNameSpace:          {conn{}, get + "A :\r\n"},
		rNoColon:            {conn{}, get + "A\r\n"},
		rValueByte:          {conn{}, get + "A: \x01\r\n"},
		rValueObs:           {conn{o: Options{ASCII: true}}, get + "A: \x80\r\n"},
		rValueFold:          {conn{o: fold}, get + "A: b\r\n \x01\r\n"},
		rTargetStar:         {conn{}, "GET * HTTP/1.0\r\n\r\n"},
		rTargetForm:         {conn{}, "GET ? HTTP/1.0\r\n\r\n"},
		rTargetConnect:      {conn{}, "CONNECT / HTTP/1.0\r\n\r\n"},
		rTargetPort:         {conn{}, "CONNECT a HTTP/1.0\r\n\r\n"},
		rTargetScheme:       {conn{}, "GET a: HTTP/1.0\r\n\r\n"},
		rTargetUserinfo:     {conn{}, "GET a://b@c HTTP/1.0\r\n\r\n"},
		rTargetAuthority:    {conn{}, "GET a:// HTTP/1.0\r\n\r\n"},
		rHostMissing:        {conn{}, "GET / HTTP/1.1\r\n\r\n"},
		rHostRepeated:       {conn{}, get + "Host: a\r\n\r\n"},
		rHostInvalid:        {conn{}, "GET / HTTP/1.1\r\nHost: /\r\n\r\n"},
		rLengthEmpty:        {conn{}, get + "Content-Length:\r\n\r\n"},
		rLengthByte:         {conn{}, get + "Content-Length: a\r\n\r\n"},
		rLengthBig:          {conn{}, get + "Content-Length: 9223372036854775808\r\n\r\n"},
		rLengthList:         {conn{}, get + "Content-Length: 1,1\r\n\r\n"},
		rLengthRepeated:     {conn{}, get + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		rLengthDiffer:       {conn{o: repeated}, get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
		rCodingRepeated:     {conn{}, get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
		rCodingUnknown:      {conn{}, get + "Transfer-Encoding: br\r\n\r\n"},
		rCodingNotFinal:     {conn{}, get + "Transfer-Encoding: chunked, br\r\n\r\n"},
		rCodingTwice:        {conn{}, get + "Transfer-Encoding: chunked, chunked\r\n\r\n"},
		rCodingEmpty:        {conn{}, get + "Transfer-Encoding:\r\n\r\n"},
		rCodingVersion:      {conn{}, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
		rCodingLength:       {conn{}, get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
		rExpectation:        {conn{}, get + "Expect: a\r\n\r\n"},
		rBodyDeclared:       {conn{o: Options{Limits: Limits{Body: 1}}}, get + "Content-Length: 2\r\n\r\n"},
		rBodyChunked:        {conn{o: Options{Limits: Limits{Body: 1}}}, te + "2\r\n"},
		rBodyReached:        {conn{o: Options{Limits: Limits{Body: 1}}, response: true}, "HTTP/1.1 200 \r\n\r\nab"},
		rChunkNoSize:        {conn{}, te + "\r\n"},
		rChunkSizeByte:      {conn{}, te + "1x"},
		rChunkBig:           {conn{}, te + "8000000000000000"},
		rChunkZeros:         {conn{}, te + strings.Repeat("0", 33)},
		rChunkBlank:         {conn{}, te + "1 \r"},
		rChunkCR:            {conn{}, te + "1\rx"},
		rChunkExtName:       {conn{}, te + "1;("},
		rChunkExtEmpty:      {conn{}, te + "1;;"},
		rChunkExtValue:      {conn{}, te + "1;a=("},
		rChunkExtQuoted:     {conn{}, te + "1;a=\"\x01"},
		rChunkExtByte:       {conn{}, te + "1;a\x01"},
		rChunkLine:          {conn{o: Options{Limits: Limits{ChunkLine: 2}}}, te + "1;a"},
		rChunkExcess:        {conn{o: Options{Limits: Limits{ChunkExcess: 1}}}, te + "1;a=0123456789abcdef\r\n"},
		rChunkDataCR:        {conn{}, te + "1\r\nab"},
		rChunkDataLF:        {conn{}, te + "1\r\na\rb"},
		rTrailerName:        {conn{}, te + "0\r\nHost: a\r\n\r\n"},
		rInformationalMany:  {client, strings.Repeat("HTTP/1.1 100 \r\n\r\n", 17)},
		rSwitchUnasked:      {client, "HTTP/1.1 101 \r\n\r\n"},
		rSwitchUpgrade:      {up, "HTTP/1.1 101 \r\n\r\n"},
		rCutHead:            {cut, "GET"},
		rCutBody:            {cut, get + "Content-Length: 1\r\n\r\n"},
		rCutChunked:         {cut, te},
		rCutNone:            {conn{response: true, eof: true}, ""},
	}
	for r := ok + 1; r < numReasons; r++ {
		row, found := rows[r]
		require.True(t, found, reasons[r].text)
		got := row.c.run(t, row.in)
		require.Equal(t, reasons[r].text, got.reason, "%q", row.in)
		want := reasons[r].code
		if row.c.response {
			want = 502
		}
		require.Equal(t, want, got.code)
	}
}

func TestReasonsAreUnique(t *testing.T) {
	all := Reasons()
	for i, r := range all {
		require.Regexp(t, `^(9110|9112|6585)-\d+(\.\d+)*-\d+(\.\d+)*: .`, r)
		require.Equal(t, i, slices.Index(all, r), r)
		require.NotZero(t, reasons[i+1].code)
	}
}

func TestErrorValues(t *testing.T) {
	var d Decoder
	var ev Event
	_, err := d.Next([]byte("GET / HTTP/2.0\r\n"), &ev)
	require.ErrorIs(t, err, Status(505))
	require.NotErrorIs(t, err, Status(400))
	var s Status
	require.True(t, errors.As(err, &s))
	require.EqualValues(t, 505, s)
	require.Equal(t, "http1: "+reasons[rVersionMajor].text, err.Error())
	require.Contains(t, Status(431).Error(), "431")
	require.NotEmpty(t, Status(7).Error())
}
