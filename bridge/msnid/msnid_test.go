package msnid

import (
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

func TestParseAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in, want string }{
		{"as it is", "bob@example.com", "bob@example.com"},
		{"upper case", "Bob@Example.COM", "bob@example.com"},
		{"blanks around", "  bob@example.com\n", "bob@example.com"},
		{"link", "mailto:bob@example.com", "bob@example.com"},
		{"in brackets", "<bob@example.com>", "bob@example.com"},
		{"link in brackets", "<mailto:bob@example.com>,", "bob@example.com"},
		{"at the end of a sentence", "bob@example.com.", "bob@example.com"},
		{"in a list", "bob@example.com,", "bob@example.com"},
		{"in a list of another kind", "bob@example.com;", "bob@example.com"},
		{"several", "bob@example.com;carol", ""},
		{"behind a name", "Bob<bob@example.com>", ""},
		{"a dot before it", ".bob@example.com", ".bob@example.com"},
		{"nothing but signs", "<>", ""},
		{"empty", "", ""},
		{"no at", "bob", ""},
		{"two ats", "bob@a@b", ""},
		{"no domain", "bob@", ""},
		{"no name", "@example.com", ""},
		{"inner space", "bob @example.com", ""},
		{"line end", "bob@example.com\r\nNLN x", ""},
		{"NUL", "bob\x00@example.com", ""},
		{"slash", "bob/x@example.com", ""},
		{"too long", strings.Repeat("b", MaxAccount) + "@example.com", ""},
		{"not UTF-8", "b\xffb@example.com", ""},
		{"link in upper case", "MAILTO: bob@example.com", "bob@example.com"},
		{"link twice", "mailto:mailto:bob@example.com", ""},
		{"sign of Kelvin", "\u212aen@example.com", ""},
		{"dotted capital", "b\u0130b@example.com", ""},
		{"as long as a Matrix ID may be", "b" + strings.Repeat("_", 70) + "@x", "b" + strings.Repeat("_", 70) + "@x"},
		{"too long as a Matrix ID by one", "bb" + strings.Repeat("_", 70) + "@x", ""},
		{"too long as a Matrix ID", strings.Repeat("_", MaxAccount-12) + "@example.com", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseAccount(test.in)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("ParseAccount(%q) = %q, %v; want %q", test.in, got, err, test.want)
			}
		})
	}
}

// An account at a service that looks like another one's address is not that one.
func TestAccountOfAServerIsNobodyElses(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"mailto:bob@example.com", " bob@example.com", "bob@example.com\n", "\u212aen@example.com", "b\u0130b@example.com"} {
		if got, ok := FromServer(account); ok {
			t.Errorf("%q was taken for %q", account, got)
		}
	}
	if got, ok := FromServer("Bob@Example.com"); !ok || got != "bob@example.com" {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestIDsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	identity := Identity{Service: "escargot", Account: "bob@example.com"}
	if got, ok := ParseUserID(MakeUserID(identity)); !ok || got != identity {
		t.Errorf("user ID: got %v, %v", got, ok)
	}
	if got, ok := ParseLoginID(MakeLoginID(identity)); !ok || got != identity {
		t.Errorf("login ID: got %v, %v", got, ok)
	}
	key := MakeDMPortalKey(MakeLoginID(identity), "carol@example.com")
	if got, ok := ParseDMPortalID(key.ID); !ok || got != "carol@example.com" {
		t.Errorf("portal ID: got %q, %v", got, ok)
	}
	if key.Receiver != MakeLoginID(identity) {
		t.Errorf("portal receiver is %q", key.Receiver)
	}
}

func TestForeignIDsAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "bob@example.com", "/bob@example.com", "Escargot/bob@example.com",
		"escargot/Bob@example.com", "escargot/bob", "escargot/bob@example.com/x", "es cargot/bob@example.com"} {
		if got, ok := parse(s); ok {
			t.Errorf("%q was taken for %v", s, got)
		}
	}
	for _, s := range []string{"alerts", "group:1", "dm:", "dm:Bob@example.com", "bob@example.com"} {
		if got, ok := ParseDMPortalID(networkid.PortalID(s)); ok {
			t.Errorf("%q was taken for the DM with %q", s, got)
		}
	}
}

func TestMessageIDsDiffer(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1000)
	first := MakeChatMessageID("s", "bob@example.com", 1, 0, at)
	for name, other := range map[string]any{
		"number":  MakeChatMessageID("s", "bob@example.com", 2, 0, at),
		"sender":  MakeChatMessageID("s", "eve@example.com", 1, 0, at),
		"session": MakeChatMessageID("t", "bob@example.com", 1, 0, at),
		"time":    MakeChatMessageID("s", "bob@example.com", 1, 0, at.Add(time.Second)),
		"part":    MakeChatMessageID("s", "bob@example.com", 1, 1, at),
		"sent":    MakeSentMessageID("$s"),
	} {
		if first == other {
			t.Errorf("another %s, the same ID", name)
		}
	}
}

func TestAlertsAreNobodysAccount(t *testing.T) {
	t.Parallel()
	ghost := MakeAlertsUserID("escargot")
	if got, ok := ParseUserID(ghost); ok {
		t.Errorf("%q was taken for %v", ghost, got)
	}
	key := MakeAlertsPortalKey(MakeLoginID(Identity{"escargot", "bob@example.com"}))
	if !IsAlertsUserID(ghost) || !IsAlertsPortalID(key.ID) || key.Receiver == "" {
		t.Errorf("ghost %q, portal %v", ghost, key)
	}
	for _, id := range []networkid.UserID{"escargot/bob@example.com", "alerts", "Escargot/alerts", "escargot/alerts/x", MakeUserID(Identity{"escargot", "alerts@example.com"})} {
		if IsAlertsUserID(id) {
			t.Errorf("%q was taken for the ghost of alerts", id)
		}
	}
}

func TestAlertIDsAreThoseOfTheirContent(t *testing.T) {
	t.Parallel()
	first := MakeAlertMessageID("111100200", "1", "1", "", "text", "url")
	if again := MakeAlertMessageID("111100200", "1", "1", "", "text", "url"); again != first {
		t.Errorf("%q and %q for the same alert", first, again)
	}
	for name, other := range map[string]networkid.MessageID{
		"site":          MakeAlertMessageID("45705", "1", "1", "", "text", "url"),
		"notification":  MakeAlertMessageID("111100200", "2", "1", "", "text", "url"),
		"message":       MakeAlertMessageID("111100200", "1", "2", "", "text", "url"),
		"occurrence":    MakeAlertMessageID("111100200", "1", "1", "2", "text", "url"),
		"content":       MakeAlertMessageID("111100200", "1", "1", "", "text", "other"),
		"border":        MakeAlertMessageID("111100200", "1", "1", "", "textu", "rl"),
		"slash":         MakeAlertMessageID("111100200/1", "1", "", "", "text", "url"),
		"kind":          MakeNoticeMessageID("mail", "text", "url"),
		"very long ID":  MakeAlertMessageID(strings.Repeat("1", 1000), "1", "1", "", "text", "url"),
		"page":          MakePageMessageID("bob@example.com", "text", 0, time.UnixMilli(1)),
		"page just now": MakePageMessageID("bob@example.com", "text", 0, time.UnixMilli(1).Add(1)),
	} {
		if other == first {
			t.Errorf("another %s, the same ID", name)
		}
		if len(other) > 300 {
			t.Errorf("%s: the ID has %d bytes", name, len(other))
		}
	}
}
