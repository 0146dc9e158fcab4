package sequential

import (
	"errors"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
)

// Decimal is a fraction between 0 and 1, both excluded, written as in "0.01" with
// at most 9 places. It is exact: 0.01 is one hundredth.
type Decimal struct{ num, den uint64 }

// Valid reports whether d was read from text.
func (d Decimal) Valid() bool { return d.num > 0 && d.num < d.den }

var (
	decimalForm = regexp.MustCompile(`^0\.[0-9]{1,9}$`)
	errDecimal  = errors.New(`must be a decimal between 0 and 1, written as "0.01" with at most 9 places`)
)

// UnmarshalText reads the form of a Decimal.
func (d *Decimal) UnmarshalText(text []byte) error {
	if !decimalForm.Match(text) {
		return errDecimal
	}
	places := strings.TrimPrefix(string(text), "0.")
	num, err := strconv.ParseUint(places, 10, 64)
	if err != nil || num == 0 {
		return errDecimal
	}
	*d = Decimal{num, 1}
	for range places {
		d.den *= 10
	}
	return nil
}

// MarshalText writes all places.
func (d Decimal) MarshalText() ([]byte, error) {
	places := len(strconv.FormatUint(d.den, 10)) - 1
	digits := strconv.FormatUint(d.num, 10)
	return []byte("0." + strings.Repeat("0", max(places-len(digits), 0)) + digits), nil
}

// Apart reports whether the rate of failures of the canary is above that of the
// control by at least d, exactly. Without samples it is not known, and so it is.
func (d Decimal) Apart(canary, control Counts) bool {
	if canary.Samples <= 0 || control.Samples <= 0 {
		return true
	}
	// x/n - y/m >= num/den, of which each product could have 136 bits: divided
	// instead, in units of 10^-9, the difference rounded up so that doubt refuses.
	above := billionths(canary, 1) - billionths(control, 0)
	return above >= 0 && uint64(above) >= d.num*(1_000_000_000/d.den)
}

func billionths(c Counts, up int64) int64 {
	high, low := bits.Mul64(uint64(c.Failures), 1_000_000_000)
	whole, _ := bits.Div64(high, low, uint64(c.Samples))
	return int64(whole) + up
}
