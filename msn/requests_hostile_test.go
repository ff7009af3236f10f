package msn

import (
	"context"
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// hostileArguments are texts that would end a command, begin another or change the
// parameters, if they were sent as they are.
var hostileArguments = []string{
	"a@b\r\nOUT", "\r\nOUT\r\n", "a\nOUT", "a\rOUT", "a\x00b@c", "a@b c", " ", "a@b\t", "%0D%0AOUT", "a@b%0d%0aOUT",
	"a=b", "\u2028OUT", "\u0085OUT", "\xff\xfe\r\n", "</TEXT><PHONE>", "&#13;&#10;OUT", "0x0409 OUT", "INBOX\r\nOUT",
	strings.Repeat("a@", 5000), strings.Repeat("\r\n", 100),
}

// Whatever a caller gives, each call makes one command with the parameters it
// should have, or none.
func TestNoArgumentMakesASecondCommand(t *testing.T) {
	calls := map[string]struct {
		call func(c *Client, s string) error
		args int // of the command, TrID included
	}{
		"URL name": {func(c *Client, s string) error {
			_, err := c.ServiceURL(context.Background(), URLName(s), "")
			return err
		}, 2},
		"URL argument": {func(c *Client, s string) error {
			_, err := c.ServiceURL(context.Background(), URLCompose, s)
			return err
		}, 3},
		"URL locale": {func(c *Client, s string) error {
			_, err := c.ServiceURL(context.Background(), URLProfile, s)
			return err
		}, 3},
		"SND address": {func(c *Client, s string) error { return c.Invite(context.Background(), s, "") }, 5},
		"SDC address": {func(c *Client, s string) error { return c.Invite(context.Background(), s, "x") }, 8},
		"SDC text":    {func(c *Client, s string) error { return c.Invite(context.Background(), "a@b", s+"x") }, 8},
		"FND name": {func(c *Client, s string) error {
			_, err := c.Search(context.Background(), Query{FirstName: s, LastName: s})
			return err
		}, 6},
		"FND place": {func(c *Client, s string) error {
			_, err := c.Search(context.Background(), Query{"a", "b", s, s, s})
			return err
		}, 6},
		"page target": {func(c *Client, s string) error { return c.Page(context.Background(), s, notify.Page{Text: "x"}, nil) }, 3},
		"page number": {func(c *Client, s string) error {
			return c.Page(context.Background(), "tel:"+s, notify.Page{Text: "x"}, nil)
		}, 3},
		"page text": {func(c *Client, s string) error { return c.Page(context.Background(), "a@b", notify.Page{Text: s}, nil) }, 3},
		"page callback": {func(c *Client, s string) error {
			return c.Page(context.Background(), "a@b", notify.Page{Text: "x", Callback: notify.Callback{Location: notify.Location(s), Number: s}}, nil)
		}, 3},
	}
	for name, test := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9, func(c *Config) { c.Paging = PageAnybody })
			for _, s := range hostileArguments {
				done := make(chan error, 1)
				go func() { done <- test.call(client, s) }()
				// Either the call fails by itself, or one command comes; a barrier shows
				// that nothing else does.
				commands := make(chan wire.Command, 1)
				go func() {
					if cmd, err := ns.reader.Read(); err == nil {
						commands <- cmd
					}
				}()
				select {
				case cmd := <-commands:
					if len(cmd.Args) != test.args {
						t.Errorf("%.40q makes %q", s, lineOf(cmd))
					}
					ns.send("201 " + cmd.Arg(0))
					_ = waitError(t, done)
				case err := <-done:
					if err == nil {
						t.Errorf("%.40q: no command and no error", s)
					}
					ns.send("CHL 0 15570131571988941333")
					if cmd := <-commands; cmd.Verb != "QRY" {
						t.Errorf("%.40q makes %q", s, lineOf(cmd))
					}
				}
				ns.barrier()
			}
		})
	}
}

// Answers that make no sense end no connection and no call waits for ever.
func TestAnswersOfTheWrongKind(t *testing.T) {
	for _, answer := range []string{
		"#", "# ", "#  ", "# OK", "# \xff\xfe \x00", "# -1 -1", "# 0 0 0 0 0 0 0 0", "# 99999999999999999999 99999999999999999999 fname=%",
		"# %0D%0A %00 %", "# " + strings.Repeat("a ", 120), "# " + strings.Repeat("x", 8000),
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9)
			for _, call := range []func() error{
				func() error { _, err := client.AnnounceVersion(t.Context()); return err },
				func() error { _, err := client.ServiceURL(t.Context(), URLInbox, ""); return err },
				func() error { return client.Invite(t.Context(), "a@b", "") },
				func() error { return client.Invite(t.Context(), "a@b", "x") },
				func() error { _, err := client.Search(t.Context(), Query{FirstName: "a", LastName: "b"}); return err },
			} {
				done := make(chan error, 1)
				go func() { done <- call() }()
				cmd := ns.read()
				ns.send(cmd.Verb + " " + strings.Replace(answer, "#", cmd.Arg(0), 1))
				if cmd.Verb == "FND" {
					ns.send("502 " + cmd.Arg(0))
				}
				_ = waitError(t, done)
				ns.barrier()
			}
		})
	}
}

// TestRecordedVersions holds the CVR of this client against those of all
// recordings, and reads the answers to them, whatever dialect they are of.
func TestRecordedVersions(t *testing.T) {
	transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
		t.Parallel()
		announced := make(map[string][]string) // by user and TrID
		for _, r := range rec.Records {
			if !r.MSN() || !isNotification(r.Conn) {
				continue
			}
			i := parseItem(r)
			if i.cmd.Verb != "CVR" || i.malformed || len(i.cmd.Args) == 0 {
				continue
			}
			key := r.Who + " " + i.cmd.Arg(0)
			args := i.cmd.Args[1:]
			if i.client() {
				announced[key] = args
				// The least dialect that has so many parameters.
				d, ok := map[int]wire.Dialect{6: 2, 7: 4, 8: 8}[len(args)]
				if !ok {
					continue
				}
				c := &Client{cfg: Config{Account: argAt(args, 7), Identity: Identity{args[0], args[1], args[2], args[3], args[4], args[5], argAt(args, 6)}}}
				if got := strings.Join(c.cvrArgs(d), " "); got != strings.Join(args, " ") {
					t.Errorf("%v: this client would send %q", r, got)
				}
				continue
			}
			v, ok := parseVersion(args)
			if !ok || v.Recommended != args[0] || v.Minimum != args[2] || v.DownloadURL != argAt(args, 3) || v.InfoURL != argAt(args, 4) {
				t.Errorf("%v: read as %+v, %v", r, v, ok)
			}
			// This server thinks that every client is up to date.
			if own := argAt(announced[key], 5); v.Outdated(own) || v.Newer(own) || v.Unrecognised() {
				t.Errorf("%v: not the version %q that was announced", r, own)
			}
		}
	}, ownRecordings)
}
