package netsim

// Rand is a generator of pseudo-random numbers (splitmix64). The zero value is the one with seed 0.
type Rand struct{ state uint64 }

// NewRand returns the generator with a seed.
func NewRand(seed uint64) Rand { return Rand{seed} }

// Uint64 returns 64 bits.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Float64 returns a number from 0 up to, and not including, 1.
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Intn returns a number from 0 up to, and not including, n. It is 0 if n is not positive.
func (r *Rand) Intn(n int) int {
	if n <= 0 {
		return 0
	}
	return int(r.Uint64() % uint64(n))
}
