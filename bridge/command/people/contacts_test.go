package people

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"matrix-msn/database"
	"matrix-msn/msn"
)

func TestContactLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		lists     msn.List
		live      msn.Contact
		connected bool
		want      string
	}{
		{"online", msn.ListForward, msn.Contact{Status: msn.Online}, true, "🟢 Bob (bob@example.com): online"},
		{"of MSN by number", msn.ListForward, msn.Contact{Status: msn.Busy, Network: 1}, true, "🟡 Bob (bob@example.com): busy"},
		{"on Yahoo", msn.ListForward, msn.Contact{Status: msn.Online, Network: 32}, true, "🟢 Bob (bob@example.com) on Yahoo: online"},
		{"on a network without name", msn.ListForward, msn.Contact{Status: msn.Offline, Network: 77}, true, "⚪ Bob (bob@example.com): offline"},
		{"not connected", msn.ListForward, msn.Contact{}, false, "⚪ Bob (bob@example.com)"},
		{"blocked", msn.ListBlock, msn.Contact{}, true, "🚫 Bob (bob@example.com): blocked"},
		{"waiting", msn.ListReverse, msn.Contact{}, true, "❔ Bob (bob@example.com): has added you, and waits for an answer"},
		{"pending", msn.ListPending, msn.Contact{}, true, "❔ Bob (bob@example.com): has added you, and waits for an answer"},
		{"pending, and let in", msn.ListPending | msn.ListAllow, msn.Contact{}, true, ""},
		{"on no list that counts", msn.ListAllow, msn.Contact{}, true, ""},
	} {
		line, ok := lineFor(&database.Contact{Account: "bob@example.com", Name: "Bob", Lists: int(test.lists)}, test.live, test.connected)
		if line.text != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q, want %q", test.name, line.text, test.want)
		}
	}
}

// Who was let in waits no more, even where the service leaves them on the list of those who do.
func TestWhoWasAnsweredDoesNotWait(t *testing.T) {
	t.Parallel()
	for lists, want := range map[msn.List]string{
		msn.ListReverse:                                   "has you on their list, waits for your answer",
		msn.ListPending:                                   "waits for your answer",
		msn.ListPending | msn.ListAllow:                   "may see you, has you on their list",
		msn.ListPending | msn.ListBlock:                   "blocked, has you on their list",
		msn.ListForward | msn.ListAllow | msn.ListReverse: "on your contact list, may see you, has you on their list",
		0: "on none of your lists",
	} {
		if got := strings.Join(describeLists(msn.Contact{Lists: lists}), ", "); got != want {
			t.Errorf("lists %b are described as %q, want %q", lists, got, want)
		}
	}
}

func TestCirclesAreListed(t *testing.T) {
	t.Parallel()
	circles := []msn.Circle{
		{ID: "00000000-0000-0000-0009-000000000001@live.com", Name: "Walkers\n", Member: true},
		{ID: "00000000-0000-0000-0009-000000000002@live.com"},
	}
	for _, test := range []struct {
		carried bool
		want    []string
	}{
		{true, []string{"👥 Walkers: a circle of yours", "👥 Circle 00000000-0000-0000-0009-000000000002@\u2060live.\u2060com: you are invited into this circle. `!circles` shows how to answer"}},
		{false, []string{"👥 Walkers: a circle of yours. What is said there is not carried: that takes MSNP18", "👥 Circle 00000000-0000-0000-0009-000000000002@\u2060live.\u2060com: you are invited into this circle. What is said there is not carried: that takes MSNP18"}},
	} {
		for i, line := range circleLines(circles, test.carried) {
			if line.text != test.want[i] {
				t.Errorf("carried %v: %q", test.carried, line.text)
			}
		}
	}
}

// The name leads to the Matrix user, whatever it holds, and the address to nothing.
func TestContactIsALink(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Bob":            `🟢 <a href="https://matrix.to/#/@x:y">Bob</a> (<code>bob@example.com</code>): online`,
		"<i> & \"":       `🟢 <a href="https://matrix.to/#/@x:y">&lt;i&gt; &amp; &#34;</a> (<code>bob@example.com</code>): online`,
		"🟢":              `🟢 <a href="https://matrix.to/#/@x:y">🟢</a> (<code>bob@example.com</code>): online`,
		"":               `🟢 <a href="https://matrix.to/#/@x:y">bob@example.com</a>: online`,
		"🟢 online (Bob)": `🟢 <a href="https://matrix.to/#/@x:y">🟢 online (Bob)</a> (<code>bob@example.com</code>): online`,
	} {
		line, _ := lineFor(&database.Contact{Account: "bob@example.com", Name: name, Lists: int(msn.ListForward)}, msn.Contact{Status: msn.Online}, true)
		line.link = "https://matrix.to/#/@x:y"
		if got := line.html(); got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
	}
}

// However long names are, and whatever they hold, a list fits into events, and nothing in it
// becomes a link.
func TestContactListFitsIntoEvents(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"http://evil.test", strings.Repeat("<", 10<<10), strings.Repeat("\U0001f600", 10<<10), strings.Repeat("&.", 10<<10)} {
		var lines []contactLine
		for i := range 1000 {
			contact := &database.Contact{Account: fmt.Sprintf("bob%d@example.com", i), Name: name, Lists: int(msn.ListForward)}
			line, _ := lineFor(contact, msn.Contact{}, true)
			lines = append(lines, line)
		}
		shown := 0
		for _, content := range listed("Contacts", lines) {
			data, err := json.Marshal(content)
			if err != nil || len(data) > 60<<10 {
				t.Errorf("%.20q makes an event of %d bytes, %v", name, len(data), err)
			}
			if strings.Contains(string(data), "http://") || strings.Contains(content.FormattedBody, "<a ") {
				t.Errorf("%.20q makes a link: %.200s", name, data)
			}
			shown += strings.Count(content.FormattedBody, "<li>")
		}
		if shown != len(lines) {
			t.Errorf("%.20q: %d of %d are shown", name, shown, len(lines))
		}
	}
}
