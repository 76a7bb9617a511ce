package http1

// DateLen is the length of a date in the preferred format, IMF-fixdate (RFC 9110 section 5.6.7):
// "Sun, 06 Nov 1994 08:49:37 GMT".
const DateLen = 29

// The years that four digits can name: 0000 is not used, so that the weekday is never disputed.
const (
	minDate = -62135596800 // Mon, 01 Jan 0001 00:00:00 GMT
	maxDate = 253402300799 // Fri, 31 Dec 9999 23:59:59 GMT
)

const (
	weekdays = "SunMonTueWedThuFriSat"
	months   = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// AppendDate appends the second unix (since 1970-01-01 00:00:00 UTC, may be negative) as IMF-fixdate: DateLen bytes.
// Seconds outside of the years 1 to 9999 are taken as the nearest one inside, since the format has four digits.
func AppendDate(dst []byte, unix int64) []byte {
	unix = min(max(unix, minDate), maxDate)
	days := unix / 86400
	sec := unix % 86400
	if sec < 0 {
		sec += 86400
		days--
	}
	wd := (days + 4) % 7 // 1970-01-01 was a Thursday
	if wd < 0 {
		wd += 7
	}
	year, month, day := civil(days)
	h, m, s := sec/3600, sec/60%60, sec%60
	return append(dst,
		weekdays[wd*3], weekdays[wd*3+1], weekdays[wd*3+2], ',', ' ',
		'0'+byte(day/10), '0'+byte(day%10), ' ',
		months[month*3-3], months[month*3-2], months[month*3-1], ' ',
		'0'+byte(year/1000), '0'+byte(year/100%10), '0'+byte(year/10%10), '0'+byte(year%10), ' ',
		'0'+byte(h/10), '0'+byte(h%10), ':',
		'0'+byte(m/10), '0'+byte(m%10), ':',
		'0'+byte(s/10), '0'+byte(s%10), ' ', 'G', 'M', 'T')
}

// civil turns days since 1970-01-01 into a date of the Gregorian calendar. The year is counted from March, so that the
// leap day is the last one of its year.
func civil(days int64) (year, month, day int64) {
	days += 719468 // since 0000-03-01
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := days - era*146097 // day of the 400-year era
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153 // month counted from March
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// DateCache formats a date once a second. It belongs to one worker (it is not for concurrent use); the zero value is
// ready.
type DateCache struct {
	unix int64
	set  bool
	text [DateLen]byte
}

// Append appends the second unix as AppendDate does.
func (c *DateCache) Append(dst []byte, unix int64) []byte { return append(dst, c.Bytes(unix)...) }

// Bytes returns the second unix as AppendDate writes it. The slice is valid until the next call.
func (c *DateCache) Bytes(unix int64) []byte {
	if !c.set || c.unix != unix {
		AppendDate(c.text[:0], unix)
		c.unix, c.set = unix, true
	}
	return c.text[:]
}
