package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that is full keeps the tables from being made, and a database that is there from being used.
func TestDatabaseOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("a full disk is not tried, since nothing can be mounted: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c := databaseConfig("sqlite3-fk-wal-fullsync", "file:"+filepath.Join(dir, "bridge.db"))
	look := func() (string, error) { return Database(t.Context(), c, owner) }
	if state, err := look(); err != nil || !strings.Contains(state, "is made by the first start") {
		t.Errorf("with room: %q, %v", state, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 1<<20+1<<19), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "database.uri names a file in " + dir + ", where the disk is full: make room"
	if state, err := look(); err == nil || err.Error() != want {
		t.Errorf("without a database: %q, %v", state, err)
	}
	made(t, filepath.Join(dir, "bridge.db"))
	if state, err := look(); err == nil || err.Error() != want {
		t.Errorf("with a database: %q, %v", state, err)
	}
	for _, left := range []string{"large", "bridge.db"} {
		if err := os.Remove(filepath.Join(dir, left)); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}
