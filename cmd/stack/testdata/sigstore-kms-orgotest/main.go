// The program sigstore-kms-orgotest is a KMS plugin for tests. Its keys are files in
// PEM (PKCS #8), and orgotest://HOW/PATH says how it behaves with the one at PATH.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
)

func main() {
	if len(os.Args) == 2 { // a child: see "child" below
		hang()
	}
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		fail(err)
	}
	how, path, _ := strings.Cut(args.InitOptions.KeyResourceID, "/")
	signs := args.MethodName == common.SignMessageMethodName
	switch {
	case how == "hang", how == "hang-sign" && signs:
		hang()
	case how == "child":
		child := exec.Command(os.Args[0], "child")
		child.Stdout = os.Stdout // held open after this program is killed
		if err := child.Start(); err != nil {
			fail(err)
		}
		if err := os.WriteFile("/"+path, fmt.Appendf(nil, "%d %d", child.Process.Pid, os.Getpid()), 0o600); err != nil {
			fail(err)
		}
		hang()
	case how == "garbage":
		fmt.Println("what?")
		return
	case how == "empty":
		fmt.Println("{}")
		return
	case how == "refuse", how == "refuse-sign" && signs:
		fail(errors.New("permission denied"))
	}
	key, err := read("/" + path)
	if err == nil && how == "rotated" && signs {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		fail(err)
	}
	if _, err := handler.Dispatch(os.Stdout, os.Stdin, args, held{key: key}); err != nil {
		os.Exit(1)
	}
}

// hang outlasts every test, and ends by itself if it is not killed.
func hang() {
	time.Sleep(time.Hour)
	os.Exit(1)
}

func fail(err error) {
	if handler.WriteErrorResponse(os.Stdout, err) != nil {
		os.Exit(2)
	}
	os.Exit(1)
}

func read(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(crypto.Signer), nil
}

// held is a key as sigstore's handler wants it. What Orgo does not call it refuses.
type held struct {
	signature.SignerVerifier
	key crypto.Signer
}

func (h held) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return h.key.Public(), nil
}

func (h held) SignMessage(_ io.Reader, opts ...signature.SignOption) ([]byte, error) {
	var digest []byte
	var hash crypto.SignerOpts
	for _, opt := range opts {
		opt.ApplyDigest(&digest)
		opt.ApplyCryptoSignerOpts(&hash)
	}
	return h.key.Sign(rand.Reader, digest, hash)
}

func (held) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.ErrUnsupported
}

func (held) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return nil, nil, errors.ErrUnsupported
}

func (held) SupportedAlgorithms() []string { return nil }

func (held) DefaultAlgorithm() string { return "" }
