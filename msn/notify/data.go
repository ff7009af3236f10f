package notify

import (
	"strings"

	"matrix-msn/msn/internal/xmltext"
)

// The second document that BODY holds when a notification is for programs
// (section 5.3).

// dataNames are the elements of NotificationData that are known.
var dataNames = []string{
	"Service", "CID", "LastModifiedDate", "HasNewItem", "CircleId",
	"SpaceHandle", "ComponentHandle", "OwnerCID", "ComponentSummary",
}

// parseData reads the NotificationData that is the text of a BODY. It returns nil
// when the text is something else, and no elements when it cannot be read.
func parseData(text string) map[string]string {
	if !strings.Contains(strings.ToLower(text), "notificationdata") {
		return nil
	}
	for range maxEscapes {
		if !strings.HasPrefix(text, "&") {
			break
		}
		text = strings.TrimSpace(xmltext.Unescape(text))
	}
	if !strings.HasPrefix(text, "<") {
		return nil
	}
	d := dataParser{data: make(map[string]string)}
	if err := scan(text, &d); err != nil {
		clear(d.data)
	}
	return d.data
}

// dataParser collects the elements that have no others within.
type dataParser struct {
	data  map[string]string
	leaf  string // the element that is open and has had no other within
	value strings.Builder
}

func (d *dataParser) once(name string) bool { return name == "notificationdata" }

func (d *dataParser) open(e element) error {
	d.leaf = ""
	d.value.Reset()
	if e.name != "notificationdata" && isName(e.original) {
		d.leaf = e.original
		for _, known := range dataNames {
			if strings.EqualFold(known, e.original) {
				d.leaf = known
			}
		}
	}
	return nil
}

func (d *dataParser) text(s string) {
	if d.leaf != "" {
		d.value.WriteString(s)
	}
}

func (d *dataParser) close(name string) {
	if !strings.EqualFold(name, d.leaf) {
		return
	}
	if _, twice := d.data[d.leaf]; !twice && len(d.data) < maxData {
		d.data[d.leaf] = strings.TrimSpace(d.value.String())
	}
	d.leaf = ""
}

// isName reports whether s can be written as the name of an element.
func isName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'):
		default:
			return false
		}
	}
	return s != ""
}
