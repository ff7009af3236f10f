package alert

import (
	"testing"

	"maunium.net/go/mautrix/event"
)

func TestAccountBeforeAnAlertMakesNoMarkup(t *testing.T) {
	t.Parallel()
	content := &event.MessageEventContent{Body: "x", FormattedBody: "<b>x</b>"}
	prefixContent(content, "a<b>@example.com: ")
	if content.Body != "a<b>@example.com: x" || content.FormattedBody != "a&lt;b&gt;@example.com: <b>x</b>" {
		t.Errorf("got %q, %q", content.Body, content.FormattedBody)
	}
}
