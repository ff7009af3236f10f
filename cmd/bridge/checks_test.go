package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
