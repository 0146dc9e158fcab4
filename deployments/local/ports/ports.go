// Package ports checks TCP addresses before the local stack uses them.
//
// The embedded Temporal server ends the process when an address it listens on is taken. So every address
// is tried first, and a taken one becomes an error that names the flag with which to choose another.
package ports

import (
	"fmt"
	"net"
	"strconv"
)

// BusyError says that an address of the local stack cannot be listened on.
type BusyError struct {
	Flag string // the command-line flag that sets the address, such as "-api"
	Addr string // host:port
	Err  error  // what the operating system said
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot listen on %s: %v; stop what uses it, or choose another address with %s 127.0.0.1:PORT", e.Addr, e.Err, e.Flag)
}

func (e *BusyError) Unwrap() error { return e.Err }

// AddressError says that an address is not one that the local stack may use: it serves without
// authentication in places, so it stays on the loopback interface.
type AddressError struct {
	Flag   string
	Addr   string
	Reason string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("%s %q: %s; use a loopback address such as 127.0.0.1:7700", e.Flag, e.Addr, e.Reason)
}

// Loopback checks that addr, given with flag, is HOST:PORT on the loopback interface, and that it can be
// listened on now. It returns the address with "localhost" and port 0 replaced by what they stand for.
// Errors are *AddressError and *BusyError.
func Loopback(flag, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", &AddressError{Flag: flag, Addr: addr, Reason: "not HOST:PORT"}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", &AddressError{Flag: flag, Addr: addr, Reason: "not on the loopback interface"}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return "", &AddressError{Flag: flag, Addr: addr, Reason: "the port is not a number from 0 to 65535"}
	}

	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return "", &BusyError{Flag: flag, Addr: net.JoinHostPort(host, port), Err: err}
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// Free returns n distinct loopback addresses with ports that nothing listens on. Nothing holds them
// afterwards: listen soon.
func Free(n int) ([]string, error) {
	addrs := make([]string, 0, n)
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free loopback port: %w", err)
		}
		// Closed only at the end, so that no port is handed out twice.
		defer listener.Close()
		addrs = append(addrs, listener.Addr().String())
	}
	return addrs, nil
}

// Number returns the port of an address that Loopback or Free returned.
func Number(addr string) (int, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("address %q: %w", addr, err)
	}
	return strconv.Atoi(port)
}
