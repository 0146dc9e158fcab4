//go:build linux

package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

const helperArgument = "orgo-test-helper"

// helpers are the programs that the test binary can be.
var helpers = map[string]func(args []string) int{
	"upper":    upper,
	"stubborn": stubborn,
	"family":   family,
	"worker":   worker,
}

// request is what a program in another language would read of its stdin.
type request struct {
	IdempotencyKey string `json:"idempotency_key"`
	Config         struct {
		Depth int `json:"depth"`
	} `json:"config"`
	Scratch struct {
		Inputs []struct {
			Name string `json:"name"`
			File string `json:"file"`
		} `json:"inputs"`
		SnapshotFiles string `json:"snapshot_files"`
		Outputs       string `json:"outputs"`
	} `json:"scratch"`
}

func upper([]string) int {
	var in request
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return failed(err)
	}
	claims, err := os.ReadFile(in.Scratch.Inputs[1].File)
	if err != nil {
		return failed(err)
	}
	outputs := os.DirFS(in.Scratch.SnapshotFiles)
	found, err := fs.ReadFile(outputs, "data/deep/a.csv")
	if err != nil {
		return failed(err)
	}
	for name, content := range map[string][]byte{
		"claims": bytes.ToUpper(claims), "file": bytes.ToUpper(found), "log": []byte("log"), "extra": []byte("extra"),
	} {
		if err := os.WriteFile(filepath.Join(in.Scratch.Outputs, name), content, 0o600); err != nil {
			return failed(err)
		}
	}
	fmt.Fprintln(os.Stderr, "all went well")
	fmt.Printf(`{
		"outputs": [
			{"name": "claims", "media_type": "text/plain", "file": "claims"},
			{"name": "out", "path": "sub/file.txt", "media_type": "text/plain", "file": "./file"}
		],
		"attachments": [{"name": "log", "media_type": "text/plain", "file": "log"}],
		"contents": [{"media_type": "text/plain", "file": "extra"}],
		"metrics": {"files": 2},
		"notes": "depth %d of %s"
	}`, in.Config.Depth, in.IdempotencyKey)
	return 0
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// stubborn writes its process id to a file and cannot be asked to end.
func stubborn(args []string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := writePID(args[0]); err != nil {
		return failed(err)
	}
	select {}
}

// writePID makes a file with this process's id appear at once and whole.
func writePID(name string) error {
	if err := os.WriteFile(name+".new", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// family starts a stubborn child that holds all its pipes, then writes its own id
// and does what its second argument says.
func family(args []string) int {
	child := exec.Command("/proc/self/exe", helperArgument, "stubborn", filepath.Join(args[0], "child"))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if args[1] == "escape" {
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if err := child.Start(); err != nil {
		return failed(err)
	}
	if err := writePID(filepath.Join(args[0], "parent")); err != nil {
		return failed(err)
	}
	if args[1] == "stay" {
		signal.Ignore(syscall.SIGTERM)
		select {}
	}
	fmt.Println(`{"outputs":[]}`)
	return 0
}
