package picture

import (
	"context"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/database"
)

// store is a homeserver that gives pictures, or fails, or does not answer.
type store struct {
	bridgev2.MatrixAPI
	mu       sync.Mutex
	pictures map[id.ContentURIString]string // files; none for those that do not come
	fails    error
	asked    int
}

func (s *store) DownloadMediaToFile(ctx context.Context, uri id.ContentURIString, _ *event.EncryptedFileInfo, _ bool, read func(*os.File) error) error {
	s.mu.Lock()
	s.asked++
	name, fails := s.pictures[uri], s.fails
	s.mu.Unlock()
	if fails != nil {
		return fails
	}
	if name == "" {
		<-ctx.Done()
		return ctx.Err()
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return read(file)
}

func emoji(urls ...string) (all database.Emoticons) {
	for _, url := range urls {
		all = append(all, database.Emoticon{Shortcut: url, Picture: url})
	}
	return all
}

// A homeserver that does not give custom emoji holds up one text, the next ones hardly; what it gives goes out all the same.
func TestCustomEmojiThatAreSlowHoldUpOneText(t *testing.T) {
	t.Parallel()
	cat := filepath.Join(t.TempDir(), "cat.png")
	if err := os.WriteFile(cat, encoded(t, 19, 19, color.White), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		home := &store{pictures: map[id.ContentURIString]string{"mxc://x/cat": cat}}
		g := NewGiven(&account.Account{Bridge: &bridgev2.Bridge{Bot: home}})
		takes := func(want time.Duration, all database.Emoticons, come ...bool) {
			t.Helper()
			began := time.Now()
			got := g.makeAll(t.Context(), all)
			if took := time.Since(began); took != want {
				t.Errorf("%v take %s, want %s", all, took, want)
			}
			for i, want := range come {
				if (got[i] != nil) != want {
					t.Errorf("%s has come: %t", all[i].Picture, got[i] != nil)
				}
			}
		}
		takes(prepareTimeout, emoji("mxc://x/slow", "mxc://x/cat", "mxc://x/slower"), false, true, false)
		takes(0, emoji("mxc://x/slow", "mxc://x/cat", "mxc://x/slower"), false, true, false)
		takes(hurriedTimeout, emoji("mxc://x/another"), false)
		takes(0, emoji("mxc://x/another"), false)
		if home.asked != 4 {
			t.Errorf("asked %d times", home.asked)
		}
		time.Sleep(failedTime)
		home.pictures["mxc://x/slow"] = cat
		takes(0, emoji("mxc://x/slow"), true)
		takes(prepareTimeout, emoji("mxc://x/another"), false)
	})
}

// What the homeserver refuses is not asked for with each text, and who stops the bridge meanwhile is not the emoji's fault.
func TestCustomEmojiThatFailAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		home := &store{fails: errors.New("no such file")}
		g := NewGiven(&account.Account{Bridge: &bridgev2.Bridge{Bot: home}})
		for range 3 {
			g.makeAll(t.Context(), emoji("mxc://x/none"))
		}
		if home.asked != 1 {
			t.Errorf("asked %d times", home.asked)
		}
		home.fails = nil
		stopped, stop := context.WithCancel(t.Context())
		stop()
		g.makeAll(stopped, emoji("mxc://x/other"))
		g.makeAll(stopped, emoji("mxc://x/other"))
		if home.asked != 3 {
			t.Errorf("asked %d times when stopped", home.asked)
		}
	})
}
