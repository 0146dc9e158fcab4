package stack

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// kmsScheme is what may stand before "://": it becomes part of a program's name.
var kmsScheme = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// errSilent is that a KMS did not answer in time. It is no DeadlineExceeded: to an
// activity that is the end of its own time.
var errSilent = errors.New("no answer")

// kmsKey is a key that a KMS keeps. The program sigstore-kms-SCHEME on PATH reaches
// it, by sigstore's plugin protocol v1, so that no KMS's SDK is part of Orgo. It
// implements crypto.Signer.
type kmsKey struct {
	url      string
	scheme   string
	client   kms.SignerVerifier
	public   crypto.PublicKey
	patience time.Duration
}

// openKMS opens the key SCHEME://KEY. Each answer of the KMS may take patience.
func openKMS(ctx context.Context, url string, patience time.Duration) (*kmsKey, error) {
	scheme, _, _ := strings.Cut(url, "://")
	k := &kmsKey{url: url, scheme: scheme, patience: patience}
	if !kmsScheme.MatchString(scheme) {
		return nil, fmt.Errorf("signing key %q: give a file, or the URL of a key in a KMS: SCHEME://KEY", url)
	}
	// The context of opening is not that of signing later: its deadline would be
	// told to the program with every call.
	client, err := kms.Get(context.WithoutCancel(ctx), url, crypto.SHA256)
	if err != nil {
		return nil, k.fault("open", err)
	}
	k.client = client
	k.public, err = ask(ctx, k, "read its public half", func(ctx context.Context) (crypto.PublicKey, error) {
		return client.PublicKey(options.WithContext(ctx))
	})
	return k, err
}

// Public returns the public half as it was when the key was opened.
func (k *kmsKey) Public() crypto.PublicKey { return k.public }

// Sign signs a digest.
func (k *kmsKey) Sign(_ io.Reader, digest []byte, hash crypto.SignerOpts) ([]byte, error) {
	return ask(context.Background(), k, "sign", func(ctx context.Context) ([]byte, error) {
		return k.client.SignMessage(bytes.NewReader(nil), options.WithContext(ctx),
			options.WithDigest(digest), options.WithCryptoSignerOpts(hash))
	})
}

// ask calls the KMS and waits no longer than its patience.
func ask[T any](ctx context.Context, k *kmsKey, what string, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	// The end of the context kills the program, but not what it started, which may
	// hold its output open: the call can outlast the context.
	results := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if fault := recover(); fault != nil { // sigstore's client trusts answers to be complete
				r.err = fmt.Errorf("the answer is incomplete: %v", fault)
			}
			results <- r
		}()
		r.value, r.err = call(ctx)
	}()
	var r result
	select {
	case r = <-results:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.err == nil {
		return r.value, nil
	}
	switch ctx.Err() { // rather than "signal: killed"
	case context.DeadlineExceeded:
		r.err = errSilent
	case context.Canceled:
		r.err = context.Canceled
	}
	var none T
	return none, k.fault(what, r.err)
}

// fault says what failed and what to do about it.
func (k *kmsKey) fault(what string, err error) error {
	program := cliplugin.PluginBinaryPrefix + k.scheme
	advice := fmt.Sprintf("%s must speak version 1 of sigstore's KMS plugin protocol; what it wrote to stderr is in this process's", program)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		advice = fmt.Sprintf("install that KMS's sigstore plugin, the program %s, on the PATH of the worker", program)
	case errors.Is(err, cliplugin.ErrorPluginReturnError):
		advice = "see that the KMS has this key, and that the worker may read its public half and sign with it"
	case errors.Is(err, errSilent):
		advice = fmt.Sprintf("%s did not answer within %s: see that the KMS can be reached from here", program, k.patience)
	}
	return fmt.Errorf("signing key %s: %s: %w; %s", k.url, what, err, advice)
}
