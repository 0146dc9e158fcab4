package nodes

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
)

// Fault has a part of the executions fail. Empty fields mean any: of several faults
// that apply the worst counts.
type Fault struct {
	Channel string `json:"channel,omitempty"` // environment/channel
	Version string `json:"version,omitempty"` // of the pack
	Cohort  string `json:"cohort,omitempty"`
	// Failures is the part that fails, from 0 to 1.
	Failures float64 `json:"failures"`
}

func (f Fault) applies(to place, version string) bool {
	meets := func(wanted, is string) bool { return wanted == "" || wanted == is }
	return meets(f.Channel, to.channel.String()) && meets(f.Version, version) && meets(f.Cohort, to.cohort)
}

// Check returns an error if the part that fails is none.
func (f Fault) Check() error {
	if !(f.Failures >= 0 && f.Failures <= 1) {
		return fmt.Errorf("failures %v is not a part from 0 to 1", f.Failures)
	}
	return nil
}

// ReadFaults reads a JSON list of faults. A file that is not there has none.
func ReadFaults(path string) ([]Fault, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	var faults []Fault
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&faults); err != nil {
		return nil, fmt.Errorf("faults in %s: %w", path, err)
	}
	for i, fault := range faults {
		if err := fault.Check(); err != nil {
			return nil, fmt.Errorf("fault %d in %s: %w", i+1, path, err)
		}
	}
	return faults, nil
}

// worst returns the part of executions that fails at a place.
func worst(faults []Fault, at place, version string) float64 {
	rate := 0.0
	for _, fault := range faults {
		if fault.applies(at, version) {
			rate = max(rate, fault.Failures)
		}
	}
	return rate
}

// fails says whether an execution fails: of the same seed, node, version and number
// always the same.
func fails(seed uint64, node, version string, number int, rate float64) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%s\n", node, version)
	_ = binary.Write(h, binary.BigEndian, uint64(number)) // a hash takes everything
	return rand.New(rand.NewPCG(seed, h.Sum64())).Float64() < rate
}
