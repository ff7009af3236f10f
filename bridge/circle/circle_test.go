package circle

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
)

const (
	alice = "alice@example.com"
	bob   = "bob@example.com"
)

// roster is a contact list.
type roster []msn.Contact

func (r roster) Contacts() []msn.Contact { return r }

func (r roster) Contact(account string) (msn.Contact, bool) {
	for _, contact := range r {
		if contact.Account == account {
			return contact, true
		}
	}
	return msn.Contact{}, false
}

// newTestCircles are the circles of alice, who has bob on her list. They have neither rooms nor a
// database.
func newTestCircles(t *testing.T) *Circles {
	t.Helper()
	var cfg config.Config
	if err := yaml.Unmarshal([]byte("displayname_template: '{{or .Name .Account}} (MSN)'"), &cfg); err != nil {
		t.Fatal(err)
	}
	a := account.New(nil, &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{
		ID: "home/" + alice, RemoteProfile: status.RemoteProfile{Name: "Alice"}, Metadata: account.NewMetadata(account.Record{}),
	}}, nil, &cfg, msnid.Identity{Service: "home", Account: alice})
	a.SetRoster(roster{{Account: bob, Name: "Bob Builder", Lists: msn.ListForward}})
	return New(a, session.New(a, new(session.SignIns)), nil, background.New(), nil, nil, nil)
}

// Attempts come less and less often, with one timer at a time, which ends with the run.
func TestCirclesAreTriedAgainLessAndLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		r := newTestCircles(t)
		var attempts atomic.Int64
		var works atomic.Bool
		r.show = func(context.Context) bool { attempts.Add(1); return works.Load() }
		r.work.Start(ctx)
		next := func() time.Duration {
			began, before := time.Now(), attempts.Load()
			for attempts.Load() == before && time.Since(began) < 24*time.Hour {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
			if n := attempts.Load() - before; n > 1 {
				t.Errorf("%d attempts at once", n)
			}
			return time.Since(began)
		}
		r.look()
		synctest.Wait()
		var last time.Duration
		for range 20 {
			if last = next(); last > retry.Longest*3/2+time.Second {
				t.Fatalf("a wait of %v", last)
			}
		}
		if last < retry.Longest/2 {
			t.Errorf("after 20 failures the wait is %v", last)
		}
		before := attempts.Load()
		works.Store(true)
		r.look() // does not wait for the timer
		synctest.Wait()
		if n := attempts.Load() - before; n != 1 {
			t.Errorf("%d attempts when the circles have changed", n)
		}
		if wait := next(); wait < 24*time.Hour {
			t.Errorf("tried again %v after a success", wait)
		}
		works.Store(false)
		r.look()
		synctest.Wait()
		if first := next(); first > 2*retry.First {
			t.Errorf("after a success the first wait is %v", first)
		}
		end()
		r.work.Stop()
		if wait := next(); wait < 24*time.Hour {
			t.Errorf("tried %v after the end of the run", wait)
		}
	})
}

// Names that others choose pass for nothing that they are not.
func TestNamesOfCirclesAreNoLinksAndNoOtherRooms(t *testing.T) {
	t.Parallel()
	c := newTestCircles(t)
	for name, want := range map[string]string{
		"Walkers": "Walkers", "MSN Alerts": "MSN Alerts (circle)", "msn alerts": "msn alerts (circle)",
		"MSN Messenger bridge bot": "MSN Messenger bridge bot (circle)", "Bob Builder": "Bob Builder (circle)",
		"Bob Builder (MSN)": "Bob Builder (MSN) (circle)", "bob@example.com": "bob@example.com (circle)",
	} {
		if got := c.roomName(t.Context(), msn.Circle{Name: name}, c.account.Names(t.Context())); got != want {
			t.Errorf("the room of %q is called %q", name, got)
		}
	}
	for name, want := range map[string]string{
		"Walkers": "“Walkers”", "a” at Home. Send “b": "“a\" at Home. Send \"b”",
		"https://evil.example/#/@x:y": "“https:\u2060/\u2060/\u2060evil.\u2060example/\u2060#\u2060/\u2060@\u2060x:\u2060y”",
	} {
		if got := names.Quoted(name); got != want {
			t.Errorf("%q is quoted as %q", name, got)
		}
	}
}
