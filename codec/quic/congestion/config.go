package congestion

// Algorithm selects a Controller.
type Algorithm uint8

const (
	// CUBIC is RFC 9438, the default.
	CUBIC Algorithm = iota
	// Reno is the NewReno of RFC 9002.
	Reno
)

// String returns "cubic" or "reno".
func (a Algorithm) String() string {
	if a == Reno {
		return "reno"
	}
	return "cubic"
}

// The figures of RFC 9002 section 7.2, in octets.
const (
	// MinDatagramSize is the least max_datagram_size (RFC 9002 section B.2), and the default.
	MinDatagramSize = 1200
	// initialDatagrams and initialOctets bound the initial window.
	initialDatagrams = 10
	initialOctets    = 14720
	// minDatagrams is the minimum window.
	minDatagrams = 2
)

// MaxWindow is the largest window in octets, which keeps the arithmetic within 64 bits: 2 GiB.
const MaxWindow int64 = 1 << 31

// DefaultMaxWindow is what a zero Config.MaxWindow means: 64 MiB, 5 Gbit/s over a round trip of 100 ms.
const DefaultMaxWindow int64 = 64 << 20

// Config is what a controller can be told. The zero value is what RFC 9002, RFC 9438 and RFC 9406 recommend.
type Config struct {
	// DatagramSize is the largest datagram payload in octets: 0 is MinDatagramSize, the most is 65527.
	DatagramSize int
	// InitialWindow in octets: 0 is InitialWindow(DatagramSize).
	InitialWindow int64
	// MaxWindow bounds the window, in octets: 0 is DefaultMaxWindow, negative is MaxWindow.
	MaxWindow int64
	// NoHyStart makes the first slow start the classic one, which ends by loss or CE only.
	NoHyStart bool
	// Unpaced says that no pacer spreads the packets: slow start then grows by at most 8 datagrams per OnAcked
	// (RFC 9406 section 4.3, L = 8), as long as HyStart++ is in charge.
	Unpaced bool
	// NoFastConvergence switches CUBIC's fast convergence off (RFC 9438 section 4.7: for paths known to be without other traffic).
	NoFastConvergence bool
}

// InitialWindow returns the initial window for a datagram size, in octets.
//
// 9002-7.2-1: "Endpoints SHOULD use an initial congestion window of ten times the maximum datagram size (max_datagram_size), while
// limiting the window to the larger of 14,720 bytes or twice the maximum datagram size."
func InitialWindow(datagram int) int64 {
	d := int64(max(datagram, MinDatagramSize))
	return min(initialDatagrams*d, max(initialOctets, 2*d))
}

// MinWindow returns the minimum window for a datagram size, in octets (RFC 9002 section 7.2: "The RECOMMENDED value is 2 *
// max_datagram_size").
func MinWindow(datagram int) int64 { return minDatagrams * int64(max(datagram, MinDatagramSize)) }

// maxDatagramSize is the largest UDP payload that RFC 9000 section 18.2 knows.
const maxDatagramSize = 65527

// New returns a controller for one path. It fails if the configuration is out of range.
func New(a Algorithm, cfg Config) (Controller, error) {
	if cfg.DatagramSize == 0 {
		cfg.DatagramSize = MinDatagramSize
	}
	if cfg.DatagramSize < MinDatagramSize || cfg.DatagramSize > maxDatagramSize {
		return nil, failure(rDatagramSize)
	}
	minimum := MinWindow(cfg.DatagramSize)
	switch {
	case cfg.MaxWindow == 0:
		cfg.MaxWindow = DefaultMaxWindow
	case cfg.MaxWindow < 0:
		cfg.MaxWindow = MaxWindow
	case cfg.MaxWindow < minimum, cfg.MaxWindow > MaxWindow:
		return nil, failure(rMaxWindow)
	}
	fixed := cfg.InitialWindow != 0
	if !fixed {
		cfg.InitialWindow = min(InitialWindow(cfg.DatagramSize), cfg.MaxWindow)
	}
	if cfg.InitialWindow < minimum || cfg.InitialWindow > cfg.MaxWindow {
		return nil, failure(rInitialWindow)
	}
	c := core{
		window: cfg.InitialWindow, initial: cfg.InitialWindow, fixedInitial: fixed, limit: cfg.MaxWindow,
		threshold: NoThreshold, datagram: int64(cfg.DatagramSize),
	}
	c.hystart.init(!cfg.NoHyStart, cfg.Unpaced)
	switch a {
	case CUBIC:
		return &cubic{core: c, slowConvergence: cfg.NoFastConvergence}, nil
	case Reno:
		return &newReno{core: c}, nil
	}
	return nil, failure(rAlgorithm)
}
