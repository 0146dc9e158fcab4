package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// eventMessage is what stands between two empty lines of a stream.
type eventMessage struct {
	id   string
	data []byte
}

// eventReader reads server-sent events (HTML Living Standard §9.2.6), as far as
// Orgo sends them. What the end of a stream cuts off is no message.
type eventReader struct{ lines *bufio.Scanner }

// maxEvent is how long a line of a stream may be, in bytes.
const maxEvent = 64 << 20

func newEventReader(r io.Reader) *eventReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	return &eventReader{lines: lines}
}

// eventTooLongError refuses an event that does not fit. Another connection would
// bring it again.
type eventTooLongError struct{ after string }

func (e *eventTooLongError) Error() string {
	return fmt.Sprintf("the event after leaf %s is longer than %d bytes", e.after, maxEvent)
}

// next returns the next message; io.EOF at the end of the stream.
func (r *eventReader) next() (message eventMessage, err error) {
	for r.lines.Scan() {
		line := r.lines.Bytes()
		if len(line) == 0 {
			return message, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "id":
			message.id = string(value)
		case "data":
			if message.data != nil {
				message.data = append(message.data, '\n')
			}
			message.data = append(message.data, value...)
		}
	}
	err = r.lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return message, &eventTooLongError{after: message.id}
	}
	if err == nil {
		err = io.EOF
	}
	return eventMessage{}, err
}
