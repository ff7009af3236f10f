package notify_test

import (
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/notify"
)

// Every NOT and IPG of the recordings can be read, and is what it is: news of the
// address book or of circles, never an alert.
func TestRecordedNotificationsAreRead(t *testing.T) {
	t.Parallel()
	seen := 0
	t.Run("recordings", func(t *testing.T) {
		transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
			for _, r := range rec.Records {
				line, document, _ := strings.Cut(r.Text, "\r\n")
				if r.Kind != transcript.FromServer || !strings.HasPrefix(line, "NOT ") && !strings.HasPrefix(line, "IPG ") {
					continue
				}
				seen++
				n, err := notify.Parse(document)
				if err != nil || len(n.Messages) != 1 || len(n.Alerts()) != 0 || n.SiteID != "45705" {
					t.Errorf("%v: %+v, %v", r, n, err)
					continue
				}
				m, want := n.Messages[0], notify.AddressBook
				if strings.Contains(document, "CircleId") {
					want = notify.Circle
				}
				if m.Kind() != want || m.Data["HasNewItem"] == "" || n.To.Name != r.Who+"@example.com" || n.To.Via != "messenger" {
					t.Errorf("%v: %+v", r, m)
				}
			}
		}, "../testdata/transcripts")
	})
	if seen == 0 {
		t.Error("no recording has a NOT")
	}
}
