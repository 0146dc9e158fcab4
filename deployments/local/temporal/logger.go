package temporal

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// serverLogger passes what the server logs to a slog.Logger.
type serverLogger struct{ out *slog.Logger }

var (
	_ log.Logger     = serverLogger{}
	_ log.WithLogger = serverLogger{}
)

func (l serverLogger) Debug(message string, tags ...tag.Tag) { l.log(slog.LevelDebug, message, tags) }
func (l serverLogger) Info(message string, tags ...tag.Tag)  { l.log(slog.LevelInfo, message, tags) }
func (l serverLogger) Warn(message string, tags ...tag.Tag)  { l.log(slog.LevelWarn, message, tags) }
func (l serverLogger) Error(message string, tags ...tag.Tag) { l.log(slog.LevelError, message, tags) }

// DPanic is an error outside of the server's own development.
func (l serverLogger) DPanic(message string, tags ...tag.Tag) { l.log(slog.LevelError, message, tags) }

func (l serverLogger) Panic(message string, tags ...tag.Tag) {
	l.log(slog.LevelError, message, tags)
	panic("temporal server: " + message)
}

// Fatal ends the process. The server calls it where it cannot go on, for example without a listener, and
// goes on with a nil one if Fatal returns. The message also goes to the terminal, wherever the log goes.
func (l serverLogger) Fatal(message string, tags ...tag.Tag) {
	l.log(slog.LevelError, message, tags)
	fmt.Fprintln(os.Stderr, "the temporal server cannot go on:", message, attributes(tags))
	os.Exit(1)
}

func (l serverLogger) With(tags ...tag.Tag) log.Logger {
	return serverLogger{out: slog.New(l.out.Handler().WithAttrs(attributes(tags)))}
}

func (l serverLogger) log(level slog.Level, message string, tags []tag.Tag) {
	if l.out.Enabled(context.Background(), level) {
		l.out.LogAttrs(context.Background(), level, message, attributes(tags)...)
	}
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	return attrs
}
