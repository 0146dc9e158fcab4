package races_test

import "os"

// scaled reports whether the test is the one of make races, and not that of every day.
func scaled() bool { return os.Getenv("ORGO_RACES") != "" }
