package msgconv

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"matrix-msn/bridge/words"
	"matrix-msn/internal/grapheme"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Alert is a notice of the service for people to read (protocol/07, section 5).
// Everything but Icon and Mention is under the control of the server, or of
// whoever it lets write alerts.
type Alert struct {
	Text  string // plain
	TextX string // HTML-like; counts where there is no Text

	// Language is the language of the text as a tag, such as "zh-CN", or "".
	Language string

	ActionURL    string // where to act
	SubscribeURL string // where to change the subscription

	Icon    id.ContentURIString // in Matrix, or ""
	Mention id.UserID           // who is to be called, or ""
}

const (
	// maxAlert is the longest text of an alert in bytes. It is sent twice, plain and
	// as HTML, with links. MSN had at most 1,024 with the markup.
	maxAlert = 1536

	openWord      = "Open"
	subscribeWord = "Change subscription"
)

// AlertText returns the text of an alert without markup and control characters.
func AlertText(text, textX string) string {
	if strings.TrimSpace(text) == "" && textX != "" {
		text, _ = fromHTML(textX, Options{})
	}
	return strings.TrimSpace(Clean(text))
}

// cutAlert returns what an event can hold of a text.
func cutAlert(text string) string {
	if len(text) <= maxAlert {
		return text
	}
	head, rest := grapheme.Cut(text, maxAlert)
	return words.Count("msgconv.cut", len(rest), head)
}

// AlertLinks returns the links of an alert, each "" when it is none that can be
// followed. The subscription has none of its own when it is the same.
func AlertLinks(actionURL, subscribeURL string) (action, subscribe string) {
	action, _ = SafeLink(actionURL)
	subscribe, _ = SafeLink(subscribeURL)
	if subscribe == action {
		subscribe = ""
	}
	return action, subscribe
}

// AlertToMatrix converts an alert to a notice. One that calls somebody is a text:
// by the default rules of Matrix notices never ring.
func AlertToMatrix(a Alert) *event.MessageEventContent {
	text := cutAlert(AlertText(a.Text, a.TextX))
	if text == "" {
		text = words.Text("msgconv.no_text")
	}
	action, subscribe := AlertLinks(a.ActionURL, a.SubscribeURL)
	content := &event.MessageEventContent{
		MsgType:  event.MsgNotice,
		Body:     text,
		Mentions: &event.Mentions{},
	}
	if a.Mention != "" {
		content.MsgType = event.MsgText
		content.Mentions.UserIDs = []id.UserID{a.Mention}
	}
	if action != "" {
		content.Body += "\n" + openWord + ": " + action
	}
	if subscribe != "" {
		content.Body += "\n" + subscribeWord + ": " + subscribe
	}
	icon := iconHTML(a.Icon)
	language := a.Language
	if !isLanguage.MatchString(language) {
		language = ""
	}
	if action == "" && subscribe == "" && icon == "" && language == "" {
		return content
	}
	content.Format = event.FormatHTML
	content.FormattedBody = icon + textHTML(text, language) + linksHTML(action, subscribe)
	return content
}

// isLanguage matches a language tag (BCP 47).
var isLanguage = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// iconSize is the height at which icons are shown, in pixels. They were made for
// 48 and less.
const iconSize = 32

func iconHTML(icon id.ContentURIString) string {
	uri, err := icon.Parse()
	if err != nil || uri.IsEmpty() {
		return ""
	}
	return fmt.Sprintf(`<img src="%s" alt="" height="%d"> `, html.EscapeString(uri.String()), iconSize)
}

func textHTML(text, language string) string {
	text = strings.ReplaceAll(html.EscapeString(text), "\n", "<br>")
	if language == "" {
		return text
	}
	return `<span lang="` + language + `">` + text + "</span>"
}

func linksHTML(action, subscribe string) string {
	var links []string
	for _, link := range []struct{ address, word string }{{action, openWord}, {subscribe, subscribeWord}} {
		if link.address != "" {
			links = append(links, `<a href="`+html.EscapeString(link.address)+`">`+link.word+"</a>")
		}
	}
	if len(links) == 0 {
		return ""
	}
	return "<br>" + strings.Join(links, " · ")
}
