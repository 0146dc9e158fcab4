package sequential

import "math/bits"

const (
	// logBits is how many bits of a logarithm are behind the point.
	logBits = 56
	// ln2 is floor(ln 2 * 2^56).
	ln2 = 0xb17217f7d1cf79
	// slack is more than what lnFloor may be too low by: 2^-48.
	slack = 1 << (logBits - 48)

	seriesBits = 62
)

// lnFloor returns ln(num/den) in units of 2^-56, less than slack too low and never
// too high. It needs 0 < den <= num < 2^62.
func lnFloor(num, den uint64) uint64 {
	// num/den = 2^k (1+z)/(1-z), so that ln is k ln 2 + 2 atanh z, with z <= 1/3.
	k := bits.Len64(num) - bits.Len64(den)
	if den<<k > num {
		k--
	}
	scaled := den << k
	high, low := bits.Mul64(num-scaled, 1<<seriesBits)
	z, _ := bits.Div64(high, low, num+scaled)
	square := mulSeries(z, z)
	sum := uint64(0)
	for term, odd := z, uint64(1); term > 0; term, odd = mulSeries(term, square), odd+2 {
		sum += term / odd
	}
	return uint64(k)*ln2 + 2*sum>>(seriesBits-logBits)
}

// mulSeries multiplies fractions of 62 bits, rounded down.
func mulSeries(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high<<(64-seriesBits) | low>>seriesBits
}
