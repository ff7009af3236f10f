package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// What docs/backup.md has copied while the bridge runs is enough on a machine that has nothing else: everybody is
// signed in again, and conversations go on in their rooms.
func TestBackupIsRestored(t *testing.T) {
	t.Parallel()
	c := newFriends(t, restoredBridge)
	room := c.says("Before, from MSN").RoomID
	c.sends(room, "Before, from Matrix")

	dir, backup := filepath.Dir(c.bridge.Database()), t.TempDir()
	db, err := sql.Open("sqlite3", "file:"+c.bridge.Database()+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", filepath.Join(backup, "bridge.db")); err != nil {
		t.Fatal(err)
	}
	files := []string{"config.yaml", "registration.yaml"}
	for _, file := range files {
		copyFile(t, filepath.Join(dir, file), filepath.Join(backup, file))
	}

	c.sends(room, "Not in the backup")
	mark := c.bob.Mark()
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	for _, pattern := range []string{"*.yaml", "bridge.db*"} {
		lost, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(lost) == 0 {
			t.Fatalf("%s: %q, %v", pattern, lost, err)
		}
		for _, file := range lost {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, file := range append(files, "bridge.db") {
		copyFile(t, filepath.Join(backup, file), filepath.Join(dir, file))
	}

	mark = c.bob.Mark()
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	if after := c.says("After, from MSN"); after.RoomID != room {
		t.Error("a message after the restoring came into another room")
	}
	c.sends(room, "After, from Matrix")
	for _, text := range []string{"Before, from Matrix", "Not in the backup", "After, from Matrix"} {
		c.heardOnce(0, text)
	}
	c.sawOnce(0, "what came before", stack.Text("", "", "Before, from MSN"))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
