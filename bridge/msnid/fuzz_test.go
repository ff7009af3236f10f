package msnid

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// longestPrefix is room in a Matrix ID for what stands around an encoded identity: "@msn_",
// ":" and the name of the homeserver.
const longestPrefix = 40

// FuzzAccount holds what is taken for an account against what an account has to be: it comes
// back from every ID as it was, it makes a legal Matrix ID, and two texts give one account
// only when they differ in nothing but what ParseAccount says does not count.
func FuzzAccount(f *testing.F) {
	for _, s := range []string{
		"bob@example.com", " Bob@Example.COM\n", "mailto:bob@example.com", "mailto:mailto:bob@example.com", "\u212aen@example.com", "b\u0130b@example.com",
		"bob@example.com;{e}", "a/b@example.com", "b\xffb@example.com", "büro@exämple.com", "b\u200bob@example.com", "b\u202eob@example.com",
		strings.Repeat("_", MaxAccount-5) + "@b.c", strings.Repeat("Ⱥ", 60) + "@b.c", "@", "",
	} {
		f.Add(s, "bob@example.com", "escargot")
	}
	f.Fuzz(func(t *testing.T, typed, other, service string) {
		account, err := ParseAccount(typed)
		if err != nil {
			if account != "" {
				t.Errorf("%q is refused and gives %q", typed, account)
			}
			return
		}
		if again, err := ParseAccount(account); err != nil || again != account {
			t.Errorf("%q gives %q, which gives %q, %v", typed, account, again, err)
		}
		if twin, err := ParseAccount(other); err == nil && (twin == account) != (plain(typed) == plain(other)) {
			t.Errorf("%q and %q give %q and %q", typed, other, account, twin)
		}
		if told, ok := FromServer(other); ok && (told == account) != (strings.ToLower(other) == account) {
			t.Errorf("a server's %q is %q", other, told)
		}
		if !ValidService(service) {
			return
		}
		i := Identity{service, account}
		if back, ok := ParseUserID(MakeUserID(i)); !ok || back != i {
			t.Errorf("ghost %v came back as %v", i, back)
		}
		if back, ok := ParseLoginID(MakeLoginID(i)); !ok || back != i {
			t.Errorf("login %v came back as %v", i, back)
		}
		if back, ok := ParseDMPortalID(MakeDMPortalKey(MakeLoginID(i), account).ID); !ok || back != account {
			t.Errorf("portal of %q came back as %q", account, back)
		}
		local := id.EncodeUserLocalpart(string(MakeUserID(i)))
		if strings.Trim(local, "abcdefghijklmnopqrstuvwxyz0123456789._=-/+") != "" || len(local) > id.UserIDMaxLength-longestPrefix {
			t.Errorf("%q makes the localpart %q of %d bytes", account, local, len(local))
		}
		if back, err := id.DecodeUserLocalpart(local); err != nil || networkid.UserID(back) != MakeUserID(i) {
			t.Errorf("the localpart %q came back as %q, %v", local, back, err)
		}
	})
}

// plain is a text without what does not count in an account. A sign that is no letter of
// ASCII is none in lower case either.
func plain(typed string) string {
	lower := strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); r <= unicode.MaxASCII || l > unicode.MaxASCII {
			return l
		}
		return r
	}, strings.TrimSpace(typed))
	return strings.TrimSpace(strings.TrimPrefix(lower, "mailto:"))
}

// FuzzIDs reads a text as an ID of each kind. What is taken for one is made again from its
// parts, and no text is an ID of two kinds.
func FuzzIDs(f *testing.F) {
	for _, s := range []string{
		"escargot/bob@example.com", "escargot/alerts", "dm:bob@example.com", "group:{1}", "circle:00000000-0000-0000-0009-000000000001@live.com", "alerts",
		"offline/0/x/y", "offline/-1/x", "offline/+1/x", "offline/01/x", "dm:dm:a@b", "", "/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		kinds := 0
		kind := func(what string, ok bool, made string) {
			if !ok {
				return
			}
			kinds++
			if made != s {
				t.Errorf("%q was read as %s, which is made as %q", s, what, made)
			}
		}
		user, ok := ParseUserID(networkid.UserID(s))
		kind("a ghost", ok, string(MakeUserID(user)))
		kind("the ghost of alerts", IsAlertsUserID(networkid.UserID(s)), string(MakeAlertsUserID(strings.TrimSuffix(s, "/"+alertsName))))
		account, ok := ParseDMPortalID(networkid.PortalID(s))
		kind("a DM", ok, string(MakeDMPortalKey("", account).ID))
		group, ok := ParseGroupPortalID(networkid.PortalID(s))
		kind("a group", ok, string(MakeGroupPortalKey("", group).ID))
		circle, ok := ParseCirclePortalID(networkid.PortalID(s))
		kind("a circle", ok, string(MakeCirclePortalKey("", circle).ID))
		kind("the alerts", IsAlertsPortalID(networkid.PortalID(s)), alertsName)
		message, part, ok := ParseOfflineMessageID(networkid.MessageID(s))
		kind("an offline message", ok, string(MakeOfflineMessageID(message, part)))
		if kinds > 1 {
			t.Errorf("%q is an ID of %d kinds", s, kinds)
		}
	})
}

// FuzzMessageIDs gives two messages of each kind their IDs. They have the same one only when
// they are the same.
func FuzzMessageIDs(f *testing.F) {
	f.Add("s", "bob@example.com", "x", 1, 0, int64(1000), "s", "bob@example.com", "x", 1, 0, int64(1000))
	f.Add("s/bob@example.com", "bob@example.com", "x", 1, 0, int64(1000), "s", "bob@example.com", "x", 1, 0, int64(1000))
	f.Add("a/b", "c", "", 1, 1, int64(0), "a", "b/c", "", 1, 1, int64(0))
	long := strings.Repeat("1", maxIDPart+1)
	f.Add(long, long, long, 1, 0, int64(1), hashOf(long), hashOf(long), hashOf(long), 1, 0, int64(1))
	f.Fuzz(func(t *testing.T, a1, b1, c1 string, m1, n1 int, at1 int64, a2, b2, c2 string, m2, n2 int, at2 int64) {
		type message struct {
			a, b, c string
			m, n    int
			at      int64
		}
		one, two := message{a1, b1, c1, m1, n1, at1}, message{a2, b2, c2, m2, n2, at2}
		seen := make(map[networkid.MessageID]string)
		check := func(kind string, first, second networkid.MessageID, same bool) {
			if (first == second) != same {
				t.Errorf("%s: %+v and %+v have the IDs %q and %q", kind, one, two, first, second)
			}
			if other := seen[first]; other != "" {
				t.Errorf("%s and %s have the same ID %q", kind, other, first)
			}
			seen[first] = kind
		}
		sender1, ok1 := FromServer(b1)
		sender2, ok2 := FromServer(b2)
		if ok1 && ok2 {
			check("chat", MakeChatMessageID(a1, sender1, m1, n1, time.UnixMilli(at1)), MakeChatMessageID(a2, sender2, m2, n2, time.UnixMilli(at2)),
				a1 == a2 && sender1 == sender2 && m1 == m2 && n1 == n2 && at1 == at2)
		}
		check("offline", MakeOfflineMessageID(a1, n1), MakeOfflineMessageID(a2, n2), a1 == a2 && n1 == n2)
		check("sent", MakeSentMessageID(id.EventID(a1)), MakeSentMessageID(id.EventID(a2)), a1 == a2)
		check("page", MakePageMessageID(a1, b1, n1, time.Unix(0, at1)), MakePageMessageID(a2, b2, n2, time.Unix(0, at2)), a1 == a2 && b1 == b2 && n1 == n2 && at1 == at2)
		check("alert", MakeAlertMessageID(a1, b1, c1, "", a1), MakeAlertMessageID(a2, b2, c2, "", a2), a1 == a2 && b1 == b2 && c1 == c2)
		check("mail", MakeNoticeMessageID("mail", a1, b1), MakeNoticeMessageID("mail", a2, b2), a1 == a2 && b1 == b2)
	})
}
