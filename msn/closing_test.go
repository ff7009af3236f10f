package msn

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// calls are all methods of Client and Conversation that wait for somebody else, by their
// names.
var calls = map[string]func(ctx context.Context, c *Client) error{
	"Client.Fetch": func(ctx context.Context, c *Client) error {
		return c.Fetch(ctx, "bob@example.com", Object{Type: ObjectPicture, Size: 5}, io.Discard, nil)
	},
	"Client.SendFile": func(ctx context.Context, c *Client) error {
		return c.SendFile(ctx, "bob@example.com", File{Name: "a", Size: 5}, strings.NewReader("hello"), nil)
	},
	"Client.SetPicture": func(ctx context.Context, c *Client) error {
		_, err := c.SetPicture(ctx, []byte("picture"))
		return err
	},
	"Client.StoredPicture": func(ctx context.Context, c *Client) error { _, err := c.StoredPicture(ctx); return err },
	"Client.FetchStored": func(ctx context.Context, c *Client) error {
		_, err := c.FetchStored(ctx, StoredPicture{Size: 5, URL: fakeWebHost + "/storage/usertile/1/static"})
		return err
	},
	"Client.StorePicture":     func(ctx context.Context, c *Client) error { return c.StorePicture(ctx, []byte("picture")) },
	"Client.AddContact":       func(ctx context.Context, c *Client) error { return c.AddContact(ctx, "erin@example.com", "Hello") },
	"Client.RemoveContact":    func(ctx context.Context, c *Client) error { return c.RemoveContact(ctx, "bob@example.com") },
	"Client.Block":            func(ctx context.Context, c *Client) error { return c.Block(ctx, "bob@example.com") },
	"Client.Allow":            func(ctx context.Context, c *Client) error { return c.Allow(ctx, "erin@example.com") },
	"Client.SetDisplayName":   func(ctx context.Context, c *Client) error { return c.SetDisplayName(ctx, "Alice A.") },
	"Client.SetNick":          func(ctx context.Context, c *Client) error { return c.SetNick(ctx, "bob@example.com", "Bobby") },
	"Client.AddGroup":         func(ctx context.Context, c *Client) error { _, err := c.AddGroup(ctx, "Sailing"); return err },
	"Client.RenameGroup":      func(ctx context.Context, c *Client) error { return c.RenameGroup(ctx, anyGroup(c), "Sailing") },
	"Client.RemoveGroup":      func(ctx context.Context, c *Client) error { return c.RemoveGroup(ctx, anyGroup(c)) },
	"Client.JoinGroup":        func(ctx context.Context, c *Client) error { return c.JoinGroup(ctx, "bob@example.com", anyGroup(c)) },
	"Client.LeaveGroup":       func(ctx context.Context, c *Client) error { return c.LeaveGroup(ctx, "bob@example.com", anyGroup(c)) },
	"Client.SetEverybody":     func(ctx context.Context, c *Client) error { return c.SetEverybody(ctx, false) },
	"Client.SetAsks":          func(ctx context.Context, c *Client) error { return c.SetAsks(ctx, false) },
	"Client.SetStatus":        func(ctx context.Context, c *Client) error { return c.SetStatus(ctx, Busy) },
	"Client.SetPersonal":      func(ctx context.Context, c *Client) error { return c.SetPersonal(ctx, "Gone sailing") },
	"Client.SignOutEndpoint":  func(ctx context.Context, c *Client) error { return c.SignOutEndpoint(ctx, otherEndpoint) },
	"Client.SendOffline":      func(ctx context.Context, c *Client) error { return c.SendOffline(ctx, "bob@example.com", "Hello", "") },
	"Client.DeleteOffline":    func(ctx context.Context, c *Client) error { return c.DeleteOffline(ctx, "one") },
	"Client.Known":            func(ctx context.Context, c *Client) error { return c.Known(ctx, "erin@example.com") },
	"Client.ProbeSwitchboard": func(ctx context.Context, c *Client) error { return c.ProbeSwitchboard(ctx) },
	"Client.Page": func(ctx context.Context, c *Client) error {
		return c.Page(ctx, "bob@example.com", notify.Page{Text: "Call me"}, nil)
	},
	"Client.Invite":     func(ctx context.Context, c *Client) error { return c.Invite(ctx, "erin@example.com", "") },
	"Client.ServiceURL": func(ctx context.Context, c *Client) error { _, err := c.ServiceURL(ctx, URLInbox, ""); return err },
	"Client.AnnounceVersion": func(ctx context.Context, c *Client) error {
		_, err := c.AnnounceVersion(ctx)
		return err
	},
	"Client.Search": func(ctx context.Context, c *Client) error {
		_, err := c.Search(ctx, Query{FirstName: "Bob", LastName: "Builder"})
		return err
	},
	"Client.CreateCircle": func(ctx context.Context, c *Client) error { _, err := c.CreateCircle(ctx, "Round"); return err },
	"Client.AnswerCircle": func(ctx context.Context, c *Client) error { return c.AnswerCircle(ctx, invitedCircle, true) },
	"Client.InviteToCircle": func(ctx context.Context, c *Client) error {
		return c.InviteToCircle(ctx, ownCircle, "erin@example.com", "")
	},
	"Client.LeaveCircle": func(ctx context.Context, c *Client) error { return c.LeaveCircle(ctx, ownCircle) },
	"Conversation.SendText": func(ctx context.Context, c *Client) error {
		return c.Conversation("bob@example.com").SendText(ctx, "Hello", "")
	},
	"Conversation.StartText": func(ctx context.Context, c *Client) error {
		return c.GroupChat("{g}", "bob@example.com", "erin@example.com").StartText(ctx, "Hello", "")()
	},
	"Conversation.Reach": func(ctx context.Context, c *Client) error { return c.Conversation("bob@example.com").Reach(ctx) },
	"Conversation.StartTextIn": func(ctx context.Context, c *Client) error {
		return c.GroupChat("{g}", "bob@example.com", "erin@example.com").StartTextIn(ctx, new(Line), "Hello", "")()
	},
	"Conversation.StartTextWith": func(ctx context.Context, c *Client) error {
		return c.Conversation("bob@example.com").StartTextWith(ctx, nil, []Emoticon{{Shortcut: "(x)"}}, "Hello (x)", "")()
	},
	"Conversation.SendNudge":  func(ctx context.Context, c *Client) error { return c.Conversation("bob@example.com").SendNudge(ctx) },
	"Conversation.SendTyping": func(ctx context.Context, c *Client) error { return c.Conversation("bob@example.com").SendTyping(ctx) },
	"Conversation.Invite": func(ctx context.Context, c *Client) error {
		return c.GroupChat("{g}", "bob@example.com").Invite(ctx, "erin@example.com")
	},
}

const (
	otherEndpoint = "{11111111-2222-3333-4444-555555555555}"
	// The circles of circlesElement.
	ownCircle     = "00000000-0000-0000-0009-000000000000@live.com"
	invitedCircle = "00000000-0000-0000-0009-000000000001@live.com"
)

// immediate are those that need no answer, and so may have succeeded.
var immediate = []string{"Conversation.SendTyping"}

func TestEveryCallIsAmongThoseThatAreClosed(t *testing.T) {
	t.Parallel()
	waits := reflect.TypeFor[context.Context]()
	var want []string
	for _, receiver := range []reflect.Type{reflect.TypeFor[*Client](), reflect.TypeFor[*Conversation]()} {
		for m := range receiver.Methods() {
			if m.Type.NumIn() > 1 && m.Type.In(1) == waits {
				want = append(want, receiver.Elem().Name()+"."+m.Name)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(calls)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the calls %q are closed, want %q", got, want)
	}
}

// A call under way ends with the Client, at once, and so does one that comes later: with an
// error, and without a panic.
func TestClosingDuringEachCall(t *testing.T) {
	for _, d := range []wire.Dialect{2, 7, 9, 12, 13, 15, 16, 18} {
		for name, call := range calls {
			for how, end := range map[string]func(*Client, *fakeConn){
				"Close":           func(c *Client, _ *fakeConn) { _ = c.Close() },
				"lost connection": func(_ *Client, ns *fakeConn) { ns.close() },
			} {
				t.Run(d.String()+" "+name+" "+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { closeDuring(t, d, name, call, end) })
				})
			}
		}
	}
}

func closeDuring(t *testing.T, d wire.Dialect, name string, call func(context.Context, *Client) error, end func(*Client, *fakeConn)) {
	var hangs atomic.Bool
	client, ns := signedIn(t, newFakeNet(t), d, longPing, func(c *Config) {
		c.Paging = PageAnybody
		if inner := c.https; inner != nil {
			if web, ok := inner.(*fakeWeb); ok {
				web.circles = circlesElement("ticket", "Accepted", "WaitingResponse")
			}
			c.https = roundTripper(func(r *http.Request) (*http.Response, error) {
				if hangs.Load() {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return inner.RoundTrip(r)
			})
		}
	})
	go func() { // nothing is answered any more
		for {
			if _, err := ns.reader.Read(); err != nil {
				return
			}
		}
	}()
	go func() {
		for range client.Events() {
		}
	}()
	hangs.Store(true)
	result := make(chan error, 1)
	go func() { result <- call(context.Background(), client) }()
	synctest.Wait()
	begun := time.Now()
	end(client, ns)
	synctest.Wait()
	_ = client.Close()
	synctest.Wait()
	select {
	case err := <-result:
		if err == nil && !slices.Contains(immediate, name) {
			t.Error("the call has succeeded")
		}
	default:
		t.Fatal("the call hangs")
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the end took %v", took)
	}
	// One that comes later.
	if err := call(context.Background(), client); err == nil {
		t.Error("a call after the end has succeeded")
	} else if errors.Is(err, context.Canceled) {
		t.Errorf("a call after the end: %v", err)
	}
}

// anyGroup returns the ID of a group that the contact list has.
func anyGroup(c *Client) string {
	for _, group := range c.Groups() {
		return group.ID
	}
	return "none"
}
