package identity

import (
	"fmt"
	"strconv"
)

// maxDigits bounds the number of an item or property, so that it fits 62 bits.
const maxDigits = 18

// Number returns the number of an item or property id: 42 for "Q42" and 'Q'. It
// is an error if id is not the letter and 1 to 18 digits with no leading zero.
func Number(id string, letter byte) (uint64, error) {
	if len(id) < 2 || len(id) > 1+maxDigits || id[0] != letter || id[1] < '1' || id[1] > '9' {
		return 0, fmt.Errorf("%q is not %c and 1 to %d digits", id, letter, maxDigits)
	}
	number, err := strconv.ParseUint(id[1:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not %c and 1 to %d digits", id, letter, maxDigits)
	}
	return number, nil
}
