package msn

import (
	"html"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/notice"
	"matrix-msn/msn/internal/notice/noticetest"
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/wire"
)

func TestMailIsCountedInEveryDialect(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, _ string) {
		url := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: noticetest.PostURL, SiteID: ""}
		switch d := client.Dialect(); {
		case d < 3:
			ns.sendMessage("Hotmail", "Hotmail", noticetest.Payload(noticetest.OldMail, "Inbox-Unread: 3", "Folders-Unread: 2", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+noticetest.PostURL))
		case d < 11:
			ns.sendMessage("Hotmail", "Hotmail", noticetest.Messages[0])
		default:
			ns.sendMessage("Hotmail", "Hotmail", noticetest.Messages[1])
		}
		if e := nextEvent(t, client); e != (MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}) {
			t.Errorf("event %+v", e)
		}
		arrived := noticetest.NewMail
		if client.Dialect() < 3 {
			arrived = noticetest.OldMail
		}
		ns.sendMessage("Hotmail", "Hotmail", noticetest.Payload(arrived, "From: Example User", "Message-URL: /cgi-bin/getmsg?msg=1", "Post-URL: "+noticetest.PostURL,
			`Subject: =?"us-ascii"?Q?newsubject?=`, "Dest-Folder: ACTIVE", "From-Addr: example@passport.com", "id: 2"))
		e := waitFor[MailReceived](t, client)
		if e.At.IsZero() {
			t.Error("no time")
		}
		e.At = time.Time{}
		if want := (MailReceived{From: "Example User", FromAddress: "example@passport.com", Subject: "newsubject", Folder: "ACTIVE",
			URL: ServiceURL{Redirect: "/cgi-bin/getmsg?msg=1", Post: noticetest.PostURL, SiteID: "2"}}); e != want {
			t.Errorf("event %+v", e)
		}
		ns.sendMessage("Hotmail", "Hotmail", noticetest.Payload(noticetest.MovedMail, "Src-Folder: ACTIVE", "Dest-Folder: trAsH", "Message-Delta: 2"))
		if e := nextEvent(t, client); e != (MailCounted{Inbox: 2, Folders: 2, URL: url}) {
			t.Errorf("event %+v", e)
		}
		expectNothingMore(t, client, ns)
	})
}

func TestServerMessages(t *testing.T) {
	server := func(payload string) Event { return ServerMessage{Message: wire.ParseMessage(payload)} }
	oims := noticetest.Payload(noticetest.InitialData, "Mail-Data: "+noticetest.MailList+noticetest.OfflineMessageInList+"</MD>")
	tooLarge := noticetest.Payload(noticetest.InitialData, "Mail-Data: too-large")
	bomb := noticetest.Payload(noticetest.InitialData, `Mail-Data: <!DOCTYPE a [<!ENTITY a "aaa">]>`+noticetest.MailList+"</MD>")
	for _, test := range []struct {
		name    string
		payload string
		want    []Event
	}{
		{"a profile", noticetest.Messages[6], []Event{server(noticetest.Messages[6])}},
		{"offline messages in the list", oims, []Event{MailCounted{Inbox: 3, Folders: 2, Initial: true}, server(oims)}},
		{"a list that is too large", tooLarge, []Event{MailCounted{Unknown: true, Initial: true}, server(tooLarge)}},
		{"a list with entities", bomb, []Event{server(bomb)}},
		{"numbers beyond belief", noticetest.Payload(noticetest.InitialMail, "Inbox-Unread: 4294967295", "Folders-Unread: -1"), []Event{MailCounted{Inbox: notice.MaxMails, Initial: true}}},
		{"no numbers", noticetest.Payload(noticetest.InitialMail, "Inbox-Unread: many"), []Event{server(noticetest.Payload(noticetest.InitialMail, "Inbox-Unread: many"))}},
		{"a number of a million digits", noticetest.Payload(noticetest.InitialMail, "Inbox-Unread: "+strings.Repeat("9", 1000)), []Event{server(noticetest.Payload(noticetest.InitialMail, "Inbox-Unread: "+strings.Repeat("9", 1000)))}},
		{"more moved than there were", noticetest.Messages[3], []Event{MailCounted{Unknown: true}}},
		{"offline messages deleted", noticetest.Payload(noticetest.MovedMail, "Src-Folder: .!!OIM", "Dest-Folder: .!!trAsH", "Message-Delta: 1"),
			[]Event{server(noticetest.Payload(noticetest.MovedMail, "Src-Folder: .!!OIM", "Dest-Folder: .!!trAsH", "Message-Delta: 1"))}},
		{"a mail from nobody", noticetest.Payload(noticetest.NewMail, "id: 2"), []Event{server(noticetest.Payload(noticetest.NewMail, "id: 2"))}},
		{"an offline message", noticetest.Payload(noticetest.OfflineMessage, "Mail-Data: <MD></MD>"), []Event{server(noticetest.Payload(noticetest.OfflineMessage, "Mail-Data: <MD></MD>"))}},
		{"a shutdown", noticetest.Messages[5], []Event{ShutdownAnnounced{In: 5 * time.Minute}}},
		{"a shutdown in the header", "Content-Type: " + noticetest.System + "\r\nType: 1\r\nArg1: 5\r\n\r\n", []Event{ShutdownAnnounced{In: 5 * time.Minute}}},
		{"a shutdown far ahead", noticetest.Payload(noticetest.System, "Type: 1", "Arg1: 4000000000"), []Event{ShutdownAnnounced{In: notice.LongestShutdown}}},
		{"a shutdown at no time", noticetest.Payload(noticetest.System, "Type: 1", "Arg1: -5"), []Event{SystemMessage{Type: "1", Args: []string{"-5"}}}},
		{"a shutdown without a time", noticetest.Payload(noticetest.System, "Type: 1"), []Event{SystemMessage{Type: "1"}}},
		{"another system message", noticetest.Payload(noticetest.System, "Type: 17", "Arg1: a", "Arg2: \x1bb", "Arg4: d"), []Event{SystemMessage{Type: "17", Args: []string{"a", "b"}}}},
		{"a system message without type", noticetest.Payload(noticetest.System, "Arg1: a"), []Event{server(noticetest.Payload(noticetest.System, "Arg1: a"))}},
		{"an unknown type", noticetest.Payload("text/x-unknown", "a: b"), []Event{server(noticetest.Payload("text/x-unknown", "a: b"))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 11)
			ns.sendMessage("Hotmail", "Hotmail", test.payload)
			for _, want := range test.want {
				if e := nextEvent(t, client); !reflect.DeepEqual(e, want) {
					t.Errorf("event %T %+v, want %+v", e, e, want)
				}
			}
			expectNothingMore(t, client, ns)
		})
	}
}

// Where the notice is too large to tell the numbers, the web service does.
func TestMailIsCountedByTheServiceWhenTheNoticeIsTooLarge(t *testing.T) {
	url := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: noticetest.PostURL, SiteID: ""}
	unknown := MailCounted{Unknown: true, Initial: true, URL: url}
	for name, test := range map[string]struct {
		answer string // of GetMetadata
		want   MailCounted
	}{
		"as elements":    {"<MD>" + noticetest.MailCounts + noticetest.OfflineMessageInList + "</MD>", MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"in a result":    {"<GetMetadataResult><MD>" + noticetest.MailCounts + "</MD></GetMetadataResult>", MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"as text":        {html.EscapeString("<MD>" + noticetest.MailCounts + noticetest.OfflineMessageInList + "</MD>"), MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"beyond belief":  {"<MD><E><IU>4294967295</IU></E></MD>", MailCounted{Inbox: notice.MaxMails, Initial: true, URL: url}},
		"it does not":    {"<MD>" + noticetest.OfflineMessageInList + "</MD>", unknown},
		"no such number": {"<MD><E><IU>-1</IU></E></MD>", unknown},
		"it fails":       {"", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _, ns := webIn(t, 15, func(w *fakeWeb) {
					w.waiting(map[string]string{"58A48B9D": mailOf("hello", "{1}", 1, "22 Nov 1999 10:00:01")})
					w.answer["GetMetadata"] = func(webCall) webAnswer {
						if test.answer == "" {
							return webAnswer{status: http.StatusServiceUnavailable, content: "no"}
						}
						return webAnswer{content: soapEnvelope("<GetMetadataResponse>" + test.answer + "</GetMetadataResponse>")}
					}
				}, longPing)
				ns.sendMessage("Hotmail", "Hotmail", noticetest.Payload(noticetest.InitialData, "Mail-Data: too-large", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+noticetest.PostURL))
				time.Sleep(offline.Attempts * offline.Pause)
				var counted []MailCounted
				for range client.backlogLength() {
					if e, ok := nextEvent(t, client).(MailCounted); ok {
						counted = append(counted, e)
					}
				}
				if len(counted) != 1 || counted[0] != test.want {
					t.Errorf("counted %+v, want %+v", counted, test.want)
				}
				ns.barrier()
			})
		})
	}
}
