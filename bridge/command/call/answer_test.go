package call

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
)

func TestAnswersShowCommandsAsCode(t *testing.T) {
	t.Parallel()
	const usage = "Write `!nudge`, or `!nudge carol@example.com`."
	for _, test := range []struct {
		format     string
		args       []any
		body, html string
	}{
		{"Done.", nil, "Done.", ""},
		{"%s was nudged.", []any{"Bob <b>x</b>"}, "Bob <b>x</b> was nudged.", ""},
		{"Whom? %s", []any{usage}, "Whom? " + usage, "Whom? Write <code>!nudge</code>, or <code>!nudge carol@example.com</code>."},
		{"%d of %s:\nsend `!add %s`", []any{2, "<i>", "a&b"}, "2 of <i>:\nsend `!add a&b`", "2 of &lt;i&gt;:<br>send <code>!add a&amp;b</code>"},
		{"%s is out. Send `!add`.", []any{"Bo`b"}, "Bo`b is out. Send `!add`.", "Bo`b is out. Send <code>!add</code>."},
		{"`a\nb`", nil, "`a\nb`", ""},
		{"%s `!x`", []any{strings.Repeat("<", maxShown)}, strings.Repeat("<", maxShown) + " `!x`", ""},
	} {
		got := answer(test.format, test.args...)
		if got.Body != test.body || got.FormattedBody != test.html || got.MsgType != event.MsgNotice || (got.Format == event.FormatHTML) != (test.html != "") {
			t.Errorf("%q becomes %q, %q", test.format, got.Body, got.FormattedBody)
		}
	}
}
