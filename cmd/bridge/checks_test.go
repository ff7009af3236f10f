package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/util/dbutil"
)

func TestHomeserverThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, domain, want string }{
		{"http://localhost:8008", "example.com", ""},
		{"https://matrix.example.com", "example.com", ""},
		{"localhost:8008", "example.com", "homeserver.address"},
		{"", "example.com", "homeserver.address"},
		{"http://", "example.com", "homeserver.address"},
		{"ftp://x", "example.com", "homeserver.address"},
		{"http://localhost:8008", "", "homeserver.domain"},
	} {
		err := checkHomeserver(test.address, test.domain)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q, %q: %v", test.address, test.domain, err)
		}
	}
}

func TestDatabaseThatIsGoneAfterAStopIsRefused(t *testing.T) {
	t.Parallel()
	for uri, good := range map[string]bool{
		"file:matrix-msn.db?_txlock=immediate": true, "matrix-msn.db": true, "postgres://u@h/db": true,
		"": false, "file:": false, "file:?_txlock=immediate": false, ":memory:": false, "file::memory:?cache=shared": false,
	} {
		if err := checkDatabase(dbutil.Config{PoolConfig: dbutil.PoolConfig{URI: uri}}); (err == nil) != good {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestRegistrationThatIsThereIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "registration.yaml")
	if err := checkRegistration(path); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkRegistration(path); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("got %v", err)
	}
}
