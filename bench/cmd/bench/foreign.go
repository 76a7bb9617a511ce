//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// picoSource is where picohttpparser comes from when -pico says "clone".
const picoSource = "https://github.com/h2o/picohttpparser"

// picoLibrary builds libpicohttpparser.a in the output directory, from the sources that -pico names, and returns the flags that
// link it. Nothing of it is kept in this repository.
func (c *config) picoLibrary(ctx context.Context) (ldflags string, err error) {
	dir := filepath.Join(c.out, "pico")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	from := c.pico
	if from == "clone" {
		from = filepath.Join(dir, "src")
		if _, err := os.Stat(from); err != nil {
			if err := run(ctx, dir, "git", "clone", "--quiet", "--depth", "1", picoSource, from); err != nil {
				return "", err
			}
		}
	}
	if from, err = filepath.Abs(from); err != nil {
		return "", err
	}
	cflags := []string{"-O3", "-c", filepath.Join(from, "picohttpparser.c"), "-o", "picohttpparser.o"}
	if runtime.GOARCH == "amd64" {
		cflags = append(cflags, "-msse4.2")
	}
	if err := run(ctx, dir, "cc", cflags...); err != nil {
		return "", err
	}
	if err := run(ctx, dir, "ar", "rcs", "libpicohttpparser.a", "picohttpparser.o"); err != nil {
		return "", err
	}
	return "-L" + dir, nil
}

// debianCrates is where Debian's librust-*-dev packages put sources.
const debianCrates = "/usr/share/cargo/registry"

// buildRust builds ./peers/hyper, with the crates of Debian's packages if they are installed, else with those of the
// registry that cargo is set up for.
func (c *config) buildRust(ctx context.Context) error {
	dir, err := filepath.Abs(filepath.Join("peers", "hyper"))
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("cargo"); err != nil {
		return errors.New("hyper and httparse need cargo; leave out peer hyper and -httparse")
	}
	target := filepath.Join(c.out, "rust")
	args := []string{"build", "--release", "--target-dir", target}
	if _, err := os.Stat(filepath.Join(debianCrates, "hyper-0.14.19")); err == nil {
		args = append(args, "--offline", "--config", `source.crates-io.replace-with="debian"`, "--config",
			fmt.Sprintf("source.debian.directory=%q", debianCrates))
	}
	if err := run(ctx, dir, "cargo", args...); err != nil {
		return err
	}
	for _, name := range []string{"peer-hyper", "httparse"} {
		b, err := os.ReadFile(filepath.Join(target, "release", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.out, "bin", name), b, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
