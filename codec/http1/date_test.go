package http1

import (
	"math"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

func TestAppendDate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	secs := []int64{0, -1, 1, 784111777, 951782399, 951782400, 4107542400, minDate, maxDate, minDate + 1, maxDate - 1}
	for range 20000 {
		secs = append(secs, minDate+rng.Int64N(maxDate-minDate))
	}
	for day := int64(0); day < 366*5; day++ { // every day around a leap year
		secs = append(secs, 946684800+day*86400+86399)
	}
	for _, s := range secs {
		want := time.Unix(s, 0).UTC().Format(http.TimeFormat)
		if got := string(AppendDate([]byte("x"), s)); got != "x"+want {
			t.Fatalf("AppendDate(%d) = %q, want %q", s, got, want)
		}
	}
	// The years outside of four digits.
	if got := string(AppendDate(nil, math.MinInt64)); got != "Mon, 01 Jan 0001 00:00:00 GMT" {
		t.Error(got)
	}
	if got := string(AppendDate(nil, math.MaxInt64)); got != "Fri, 31 Dec 9999 23:59:59 GMT" {
		t.Error(got)
	}
}

func TestDateCache(t *testing.T) {
	var c DateCache
	for _, s := range []int64{0, 0, 1, 1, 784111777, 0, -5} {
		want := time.Unix(s, 0).UTC().Format(http.TimeFormat)
		if got := string(c.Append(nil, s)); got != want {
			t.Errorf("Append(%d) = %q, want %q", s, got, want)
		}
		if got := string(c.Bytes(s)); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", s, got, want)
		}
	}
	buf := make([]byte, 0, 64)
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() { now++; buf = c.Append(buf[:0], now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDate(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.Run("purewire", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			buf = AppendDate(buf[:0], int64(i))
		}
	})
	b.Run("time", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			buf = time.Unix(int64(i), 0).UTC().AppendFormat(buf[:0], http.TimeFormat)
		}
	})
}
