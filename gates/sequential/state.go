package sequential

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// MaxCount is the largest count that a look may have: what JSON holds exactly.
const MaxCount = 1 << 53

// Counts is how many executions a side had and how many of them failed, since the
// comparison began.
type Counts struct {
	Samples  int64
	Failures int64
}

func (c Counts) valid() bool {
	return c.Failures >= 0 && c.Failures <= c.Samples && c.Samples <= MaxCount
}

// since returns what came to c after before.
func (c Counts) since(before Counts) (Counts, bool) {
	more := Counts{c.Samples - before.Samples, c.Failures - before.Failures}
	return more, c.valid() && before.valid() && more.Failures >= 0 && more.Failures <= more.Samples
}

// risk is a relative risk, at least 1, as a fraction.
type risk struct{ num, den uint64 }

// risks returns the alternatives: canaries that fail this many times as often.
// Each has an equal share of the test.
func risks() [8]risk {
	return [8]risk{{5, 4}, {3, 2}, {2, 1}, {3, 1}, {4, 1}, {8, 1}, {16, 1}, {64, 1}}
}

const (
	valueBits = 32
	// highest bounds a logarithm, to 2^20: e to the power of a million.
	highest = 1 << (20 + valueBits)
)

// State is all that a look needs to know of those before it. The zero State is
// none: a comparison begins with Start. It is written as text, as one thing.
type State struct {
	canary, control Counts
	// values are the logarithms of the e-values of risks, in units of 2^-32.
	values [8]int64
	// peak is the highest that a value ever was, so that what was found once stays.
	peak int64
	// begun tells Start from the zero State.
	begun bool
}

// Start returns the state before the first look.
func Start() State { return State{begun: true} }

// Begun reports whether s is a state at all.
func (s State) Begun() bool { return s.begun }

// Compare orders states, by nothing that means anything.
func (s State) Compare(other State) int {
	this, _ := s.MarshalText() // which has no error
	that, _ := other.MarshalText()
	return bytes.Compare(this, that)
}

// Counts returns the counts that were last taken in.
func (s State) Counts() (canary, control Counts) { return s.canary, s.control }

// ErrCounts is the error of counts that cannot follow those before them.
var ErrCounts = errors.New("counts do not follow those of the look before")

// Look returns the state after a look at counts since the comparison began. Its
// error is ErrCounts. To look twice at the same counts changes nothing, nor does a
// look at which one side has nothing new: what the other has is then looked at with
// what comes (Counts tells).
func (s State) Look(canary, control Counts) (State, error) {
	c, follows := canary.since(s.canary)
	d, follow := control.since(s.control)
	if !s.begun || !follows || !follow {
		return State{}, fmt.Errorf("%w: %+v and %+v after %+v and %+v", ErrCounts, canary, control, s.canary, s.control)
	}
	if c.Samples == 0 || d.Samples == 0 {
		return s, nil
	}
	next := State{canary: canary, control: control, values: s.values, peak: s.peak, begun: true}
	for i, r := range risks() {
		if s.values[i] > -highest { // one that fell out of range has lost its stake
			next.values[i] = clamp(s.values[i], r.gain(c, d))
			next.peak = max(next.peak, next.values[i])
		}
	}
	return next, nil
}

// gain returns the logarithm by which a look multiplies the e-value, in units of
// 2^-32, rounded down.
func (r risk) gain(canary, control Counts) int64 {
	all := uint64(canary.Samples) + uint64(control.Samples)
	mean := lnFloor(r.den*all+(r.num-r.den)*uint64(canary.Samples), r.den*all) + slack
	wonHigh, won := bits.Mul64(uint64(canary.Failures), lnFloor(r.num, r.den))
	lostHigh, lost := bits.Mul64(uint64(canary.Failures)+uint64(control.Failures), mean)
	low, borrow := bits.Sub64(won, lost, 0)
	high, _ := bits.Sub64(wonHigh, lostHigh, borrow)
	const shift = logBits - valueBits
	if sign := int64(high) >> 63; int64(high)>>(shift-1) != sign {
		return (2*highest ^ sign) - sign // out of range, far above or below
	}
	return int64(high<<(64-shift) | low>>shift) // an arithmetic shift rounds down
}

func clamp(value, gain int64) int64 {
	gain = max(min(gain, 2*highest), -2*highest)
	return max(min(value+gain, highest), -highest)
}

// Exceeds reports whether, at any look so far, the canary was found to fail more
// often at a level: if it does not, that is found with probability at most level,
// however many looks there are.
func (s State) Exceeds(level Decimal) bool {
	// The largest of equal shares is at most their mean, which is the test.
	threshold := lnFloor(level.den*uint64(len(s.values)), level.num) + slack
	return s.begun && uint64(s.peak) >= threshold>>(logBits-valueBits)+1
}

const form = "risks-8" // of a state; another set of alternatives is another form

// MarshalText writes the state. The zero State is empty.
func (s State) MarshalText() ([]byte, error) {
	if !s.begun {
		return nil, nil
	}
	fields := []string{form}
	for _, value := range append([]int64{s.canary.Samples, s.canary.Failures, s.control.Samples, s.control.Failures, s.peak}, s.values[:]...) {
		fields = append(fields, strconv.FormatInt(value, 10))
	}
	return []byte(strings.Join(fields, " ")), nil
}

var errForm = errors.New("is no state of a comparison")

// UnmarshalText reads what MarshalText writes, and nothing else.
func (s *State) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = State{}
		return nil
	}
	fields := strings.Split(string(text), " ")
	if len(fields) != 6+len(s.values) || fields[0] != form {
		return errForm
	}
	numbers := make([]int64, len(fields)-1)
	for i, field := range fields[1:] {
		number, err := strconv.ParseInt(field, 10, 64)
		if err != nil || strconv.FormatInt(number, 10) != field {
			return errForm
		}
		numbers[i] = number
	}
	read := State{canary: Counts{numbers[0], numbers[1]}, control: Counts{numbers[2], numbers[3]}, peak: numbers[4], begun: true}
	copy(read.values[:], numbers[5:])
	if !read.sound() {
		return errForm
	}
	*s = read
	return nil
}

// sound reports whether a state could have come of looks.
func (s State) sound() bool {
	for _, value := range s.values {
		if value < -highest || value > s.peak {
			return false
		}
	}
	return s.canary.valid() && s.control.valid() && s.peak >= 0 && s.peak <= highest
}
