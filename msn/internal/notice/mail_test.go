package notice

import (
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/internal/notice/noticetest"
	"matrix-msn/msn/wire"
)

// FuzzServerMessage gives the connection messages of the notification server. Each makes
// something, and what it makes is within limits.
func FuzzServerMessage(f *testing.F) {
	for _, seed := range noticetest.Messages {
		f.Add(seed)
	}
	f.Add(noticetest.Payload(noticetest.InitialData, "Mail-Data: too-large"))
	f.Add(noticetest.Payload(noticetest.InitialData, "Mail-Data: "+noticetest.MailList+noticetest.OfflineMessageInList+"</MD>"))
	conn, n := newNotices(f)
	f.Fuzz(func(t *testing.T, payload string) {
		conn.Do(func() { n.all = limit.New(AlertBurst, AlertEvery) })
		events := conn.Tell(wire.New("MSG", "Hotmail", "Hotmail").WithPayload(payload))
		if len(events) == 0 {
			t.Errorf("%q is lost", payload)
		}
		if m := n.mail; m.inbox < 0 || m.inbox > MaxMails || m.folders < 0 || m.folders > MaxMails || len(m.url.Redirect) > link.MaxURL || len(m.url.Post) > link.MaxURL {
			t.Errorf("mailbox %+v", m)
		}
		for _, e := range events {
			switch e := e.(type) {
			case MailReceived:
				if len(e.Subject) > MaxMailField || len(e.From) > MaxMailField || len(e.FromAddress) > clean.MaxAccount || len(e.URL.Redirect) > link.MaxURL {
					t.Errorf("mail %+v", e)
				}
			case ShutdownAnnounced:
				if e.In < 0 || e.In > LongestShutdown {
					t.Errorf("shutdown in %v", e.In)
				}
			case SystemMessage:
				if e.Type == "" || len(e.Args) > MaxSystemArgs {
					t.Errorf("system message %+v", e)
				}
			}
		}
	})
}
