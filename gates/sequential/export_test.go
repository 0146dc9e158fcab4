package sequential

// ValueOf is the logarithm of the e-value of an alternative, in units of 2^-32.
func ValueOf(s State, i int) int64 { return s.values[i] }
