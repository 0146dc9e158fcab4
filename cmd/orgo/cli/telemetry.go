package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
)

func (a *app) telemetry() *cobra.Command {
	return group("telemetry", "Send what nodes report about releases",
		`  orgo telemetry send samples.jsonl`, a.telemetrySend())
}

func (a *app) telemetrySend() *cobra.Command {
	return &cobra.Command{
		Use:   "send F",
		Short: "Send samples from a file, or from stdin",
		Long: `Send samples of telemetry, from a file or, with "-", from stdin: a JSON array of them,
or one after the other, as in JSON Lines.

A sample is {release_id, cohort, node_id, kind, at} and what its kind names: node_state,
outcome {status, reason_code, duration_ms} for activation, verification and execution, or
health {status, signals}. With a sample_id of its own, or else by its content, it is
stored once, however often it is sent: a file that was sent in part can be sent again.

The exit code is 1 if any sample was refused.`,
		Example: `  orgo telemetry send samples.jsonl
  collect-samples | orgo telemetry send -
  orgo telemetry send samples.json -o json`,
		Args: exactly(1, "one file, or - for stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := openSamples(cmd, args[0])
			if err != nil {
				return err
			}
			defer source.Close()
			c, err := a.connect()
			if err != nil {
				return err
			}
			result, err := sendSamples(cmd.Context(), c, args[0], source)
			if err != nil {
				return err
			}
			if err := a.print(result, func(w io.Writer) error { return printTelemetry(w, result) }); err != nil {
				return err
			}
			return refusedSamples(result)
		},
	}
}

func openSamples(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return os.Open(name)
}

// Bounds of a batch; the server admits 5000 samples and 16 MiB.
const (
	batchSamples = 1000
	batchBytes   = 4 << 20
)

// sendSamples sends samples as they are read, so that a file may have any size.
func sendSamples(ctx context.Context, c *client.Client, name string, source io.Reader) (client.TelemetryResult, error) {
	result := client.TelemetryResult{Codes: map[string]int{}, Refusals: []client.RefusedSample{}}
	reader := newSampleReader(source)
	sent := 0
	for {
		batch, readErr := reader.batch()
		if len(batch) > 0 {
			became, err := c.SendTelemetry(ctx, batch)
			if err != nil {
				return result, err
			}
			result.Add(became, sent)
			sent += len(batch)
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return result, fmt.Errorf("%s is not JSON after sample %d, up to which all were sent: %w", name, sent, readErr)
		}
	}
	if sent == 0 {
		return result, Usage("%s has no samples", name)
	}
	return result, nil
}

// sampleReader reads samples out of an array, or one after the other.
type sampleReader struct {
	source  *bufio.Reader
	decoder *json.Decoder
	array   bool
	begun   bool
}

func newSampleReader(source io.Reader) *sampleReader {
	buffered := bufio.NewReader(source)
	return &sampleReader{source: buffered, decoder: json.NewDecoder(buffered)}
}

// begin looks whether what follows is an array.
func (r *sampleReader) begin() error {
	r.begun = true
	for {
		next, err := r.source.ReadByte()
		switch {
		case err != nil:
			return err
		case next == ' ' || next == '\t' || next == '\r' || next == '\n':
			continue
		}
		if err := r.source.UnreadByte(); err != nil {
			return err
		}
		if r.array = next == '['; r.array {
			_, err = r.decoder.Token()
		}
		return err
	}
}

// batch returns samples, and io.EOF with or after the last.
func (r *sampleReader) batch() ([]json.RawMessage, error) {
	if !r.begun {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	var batch []json.RawMessage
	for size := 0; len(batch) < batchSamples && size < batchBytes; {
		if r.array && !r.decoder.More() {
			return batch, r.end()
		}
		var sample json.RawMessage
		if err := r.decoder.Decode(&sample); err != nil {
			if r.array {
				err = noEOF(err)
			}
			return batch, err
		}
		batch = append(batch, sample)
		size += len(sample)
	}
	return batch, nil
}

// end reads the end of the array, after which nothing may come.
func (r *sampleReader) end() error {
	if _, err := r.decoder.Token(); err != nil {
		return noEOF(err)
	}
	_, err := r.decoder.Token()
	if err == nil {
		return errors.New("there is something after the array")
	}
	return err
}

// noEOF has a document that is cut off not pass for one that ended.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func printTelemetry(w io.Writer, result client.TelemetryResult) error {
	rows := [][]string{
		{"accepted", fmt.Sprint(result.Accepted)}, {"duplicate", fmt.Sprint(result.Duplicate)}, {"refused", fmt.Sprint(result.Refused)},
	}
	for _, code := range slices.Sorted(maps.Keys(result.Codes)) {
		rows = append(rows, []string{"  " + code, fmt.Sprint(result.Codes[code])})
	}
	if err := columns(w, rows); err != nil {
		return err
	}
	for _, refused := range result.Refusals {
		if _, err := fmt.Fprintf(w, "sample %d%s: %s: %s\n", refused.Index, refused.Pointer, refused.Code, refused.Message); err != nil {
			return err
		}
	}
	return nil
}

// refusedSamples returns the error of samples that were refused, with the code of
// most of them; nil if none was.
func refusedSamples(result client.TelemetryResult) error {
	if result.Refused == 0 {
		return nil
	}
	codes := slices.Sorted(maps.Keys(result.Codes))
	most := slices.MaxFunc(codes, func(a, b string) int { return result.Codes[a] - result.Codes[b] })
	problem := *refusal(gates.Code(most), "%d of %d samples were refused: %v", result.Refused, result.Accepted+result.Duplicate+result.Refused, codes)
	for _, code := range codes {
		problem.Errors = append(problem.Errors, client.ProblemError{Code: code, Message: fmt.Sprintf("%d samples", result.Codes[code])})
	}
	return &outcomeError{problem}
}
