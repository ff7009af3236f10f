package msntest_test

import (
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
)

// What a client stores of its profile, the next one finds, at this or another endpoint.
func TestRoamingProfile(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv := friends(t, msntest.WithCompat(compat))
		a := onlineAt(t, srv, 15, alice, "")
		ticket := a.tickets["contacts.msn.com"]
		if compat == msntest.Historic {
			_, answer := rst(t, srv, srv.Web().Login, alice, "secret", "storage.msn.com", "messengerclear.live.com")
			given, _ := tickets(t, answer)
			ticket = given["storage.msn.com"]
		}
		call := func(ticket, operation, body string) (int, string) {
			t.Helper()
			return post(t, srv, srv.Web().Storage, "http://www.msn.com/webservices/storage/w10/"+operation,
				"<StorageUserHeader><Puid>0</Puid><TicketToken>"+ticket+"</TicketToken></StorageUserHeader>",
				"<"+operation+` xmlns="http://www.msn.com/webservices/storage/w10">`+body+"</"+operation+">")
		}
		if status, answer := call(ticket, "GetProfile", ""); status != 200 || strings.Contains(answer, "<DisplayName>") || !strings.Contains(answer, "<ExpressionProfile>") {
			t.Errorf("a new profile: %d %s", status, answer)
		}
		profile := func(fields string) string {
			return "<profile><ExpressionProfile><FreeText>Update</FreeText>" + fields + "</ExpressionProfile></profile>"
		}
		for _, fields := range []string{"<DisplayName>Alice &amp; co</DisplayName>", "<PersonalStatus>Out &lt;walking&gt;</PersonalStatus>", ""} {
			if status, answer := call(ticket, "UpdateProfile", profile(fields)); status != 200 || !strings.Contains(answer, "UpdateProfileResponse") {
				t.Errorf("update: %d %s", status, answer)
			}
		}
		if _, answer := call(ticket, "GetProfile", ""); !strings.Contains(answer, "<DisplayName>Alice &amp; co</DisplayName>") ||
			!strings.Contains(answer, "<PersonalStatus>Out &lt;walking&gt;</PersonalStatus>") {
			t.Errorf("the profile: %s", answer)
		}
		if name, message := srv.Account(alice).RoamingProfile(); name != "Alice & co" || message != "Out <walking>" {
			t.Errorf("kept %q and %q", name, message)
		}
		for _, test := range []struct {
			what, ticket, operation, body string
			want                          int
		}{
			{"a wrong ticket", "t=none", "GetProfile", "", 403},
			{"an unknown operation", ticket, "Explode", "", 500},
			{"a name that is too long", ticket, "UpdateProfile", profile("<DisplayName>" + strings.Repeat("x", 5000) + "</DisplayName>"), 500},
		} {
			if status, answer := call(test.ticket, test.operation, test.body); status != test.want {
				t.Errorf("%s: %d %s", test.what, status, answer)
			}
		}
	})
}
