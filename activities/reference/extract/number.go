package extract

import (
	"strconv"
	"strings"
)

// maxNumberBytes is the longest text that is looked at as a number.
const maxNumberBytes = 64

// maxExactDigits is how many decimal digits a double always carries.
const maxExactDigits = 15

// decimal reads text as a number that survives canonical JSON: writing its
// double in the fewest digits gives the same decimal value, and an integer is
// the double's very value, not one near it. The text is an optional minus, digits without a leading zero, an
// optional fraction, and, where exponents are admitted, an optional exponent
// (the grammar of RFC 8259 §6). Negative zero is no such number.
//
// same reports whether the text is also how the number is plainly written:
// without zeros at the end of its fraction and without an exponent.
func decimal(text string, exponents bool) (number float64, same, ok bool) {
	if text == "" || len(text) > maxNumberBytes || text[len(text)-1] > '9' {
		return 0, false, false
	}
	integer, fraction, exponent, ok := splitNumber(text)
	if !ok || exponent != "" && !exponents {
		return 0, false, false
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false, false
	}
	same = exponent == "" && !strings.HasSuffix(fraction, "0")
	digits, scale := significant(integer, fraction, exponent)
	if digits == "" {
		return 0, same, text[0] != '-'
	}
	if len(digits)+max(scale, 0) > maxExactDigits || exponent != "" {
		integer, fraction, exponent, _ = splitNumber(strconv.FormatFloat(number, 'e', -1, 64))
		again, scaleAgain := significant(integer, fraction, exponent)
		if digits != again || scale != scaleAgain || scale >= 0 && !isExactInteger(number) {
			return 0, false, false
		}
	}
	return number, same, true
}

// isExactInteger reports whether the fewest digits that identify an integer are
// all that it has: beyond 2^53 the rest of most is more than zeros.
func isExactInteger(number float64) bool {
	return strconv.FormatFloat(number, 'f', -1, 64) == strconv.FormatFloat(number, 'f', 0, 64)
}

// splitNumber splits text by the grammar of RFC 8259 §6. The exponent keeps its
// sign; a sign before the integer is left out.
func splitNumber(text string) (integer, fraction, exponent string, ok bool) {
	rest := strings.TrimPrefix(text, "-")
	integer, rest = leadingDigits(rest)
	if integer == "" || len(integer) > 1 && integer[0] == '0' {
		return "", "", "", false
	}
	if strings.HasPrefix(rest, ".") {
		if fraction, rest = leadingDigits(rest[1:]); fraction == "" {
			return "", "", "", false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		sign := ""
		if rest = rest[1:]; rest != "" && (rest[0] == '-' || rest[0] == '+') {
			sign, rest = strings.TrimPrefix(rest[:1], "+"), rest[1:]
		}
		if exponent, rest = leadingDigits(rest); exponent == "" {
			return "", "", "", false
		}
		exponent = sign + exponent
	}
	return integer, fraction, exponent, rest == ""
}

func leadingDigits(text string) (digits, rest string) {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return text[:end], text[end:]
}

// significant returns the digits of a number without zeros at either end, and
// the power of ten that the last of them stands for. Zero has no digits.
func significant(integer, fraction, exponent string) (digits string, scale int) {
	if exponent != "" {
		// An exponent beyond int is beyond double too, and was refused before.
		scale, _ = strconv.Atoi(exponent)
	}
	scale -= len(fraction)
	digits = strings.TrimLeft(integer+fraction, "0")
	short := strings.TrimRight(digits, "0")
	return short, scale + len(digits) - len(short)
}
