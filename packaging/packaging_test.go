package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestVersionOfThePackage(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 11, 29, 22, 33, 17, 0, time.UTC)
	for _, test := range []struct {
		v    version
		want string
	}{
		{version{BaseVersion: "0.1.0", IsRelease: true, BuildTime: built, Commit: "72fa138c7cb1"}, "0.1.0"},
		{version{BaseVersion: "0.1.0", BuildTime: built, Commit: "72fa138c7cb1"}, "0.1.0~git20261129223317.72fa138c"},
		{version{BaseVersion: "0.1.0", BuildTime: built}, "0.1.0"},
		{version{BaseVersion: "0.1.0", Commit: "unknown"}, "0.1.0"},
	} {
		if got := test.v.debian(); got != test.want {
			t.Errorf("%+v: %s", test.v, got)
		}
	}
}

// What Docker builds is built as the package is.
func TestDockerfileBuildsTheSameProgram(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"-trimpath", "-tags " + staticTags, `-ldflags "` + staticLDFlags + `"`, "USER 65534", "FROM scratch"} {
		if !strings.Contains(string(dockerfile), part) {
			t.Errorf("the Dockerfile has no %s", part)
		}
	}
}

// What containers keep lies in a directory of its own, and neither goes into the image nor makes what is built from the
// repository differ from it.
func TestContainersKeepTheirDataBesideTheSource(t *testing.T) {
	t.Parallel()
	const kept = "data"
	mounted := regexp.MustCompile(`(?m)(?:^\s+- |-v )\./([^/:\s]+)\S*:/data\b`)
	for _, file := range []string{"../compose.yaml", "../docs/docker.md"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := mounted.FindAllStringSubmatch(string(content), -1)
		if len(found) < 2 {
			t.Errorf("%s mounts %q", file, found)
		}
		for _, mount := range found {
			if mount[1] != kept {
				t.Errorf("%s mounts ./%s, not something of ./%s", file, mount[1], kept)
			}
		}
	}
	for file, lines := range map[string][]string{"../.dockerignore": {kept, ".env"}, "../.gitignore": {"/" + kept + "/", "/.env"}} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !slices.Contains(strings.Split(string(content), "\n"), line) {
				t.Errorf("%s has no %s", file, line)
			}
		}
	}
}

// What people read in the package leads to what is in it.
func TestLinksLeadIntoThePackage(t *testing.T) {
	t.Parallel()
	pages, err := documentation("..")
	if err != nil {
		t.Fatal(err)
	}
	packaged := append(slices.Clone(pages), "example-config.yaml", "LICENSE")
	links := 0
	for _, page := range pages {
		if filepath.Ext(page) != ".md" {
			continue
		}
		content, err := os.ReadFile(filepath.Join("..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(content), -1) {
			links++
			if to := filepath.Join(filepath.Dir(page), link[1]); !slices.Contains(packaged, to) {
				t.Errorf("%s leads to %s, which is not in the package", page, to)
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

// mostExposed is the worst that systemd may say of the service, of 10.
const mostExposed = 3.0

func TestServiceIsHardened(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("how well the service is hardened is not looked at: install systemd")
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "debian/matrix-msn.service").CombinedOutput()
	if err != nil {
		t.Skipf("how well the service is hardened is not looked at, systemd is too old for it: %s", out)
	}
	level := regexp.MustCompile(`Overall exposure level for matrix-msn.service: ([0-9.]+)`).FindSubmatch(out)
	if level == nil {
		t.Fatalf("systemd says\n%s", out)
	}
	if exposed, err := strconv.ParseFloat(string(level[1]), 64); err != nil || exposed > mostExposed {
		t.Errorf("it is exposed by %s of 10, at most %v are wanted:\n%s", level[1], mostExposed, out)
	}
}
