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
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/wire"
)

// noticePayload is a message of the notification server with fields in its body.
func noticePayload(contentType string, fields ...string) string {
	return "MIME-Version: 1.0\r\nContent-Type: " + contentType + "; charset=UTF-8\r\n\r\n" + strings.Join(fields, "\r\n") + "\r\n"
}

const (
	initialMail = "text/x-msmsgsinitialemailnotification"
	initialData = "text/x-msmsgsinitialmdatanotification"
	newMail     = "text/x-msmsgsemailnotification"
	movedMail   = "text/x-msmsgsactivemailnotification"
	oldMail     = "application/x-msmsgsemailnotification"
	oimNotice   = "text/x-msmsgsoimnotification"
	systemNote  = "application/x-msmsgssystemmessage"
)

const (
	postURL    = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"
	mailCounts = "<E><I>12</I><IU>3</IU><O>4</O><OU>2</OU></E>"
	mailList   = "<MD>" + mailCounts + "<Q><QTM>409600</QTM><QNM>204800</QNM></Q>"
	oimInList  = "<M><T>11</T><S>6</S><E>bob@example.com</E><I>58A48B9D</I></M>"
)

// mailSeeds are one message of each kind.
var mailSeeds = []string{
	noticePayload(initialMail, "Inbox-Unread: 3", "Folders-Unread: 2", "Inbox-URL: /cgi-bin/HoTMaiL", "Folders-URL: /cgi-bin/folders", "Post-URL: "+postURL),
	noticePayload(initialData, "Mail-Data: "+mailList+"</MD>", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+postURL),
	noticePayload(newMail, "From: Example User", "Message-URL: /cgi-bin/getmsg?msg=MSG1050451140.21&start=2310", "Post-URL: "+postURL,
		`Subject: =?"us-ascii"?Q?newsubject?=`, "Dest-Folder: ACTIVE", "From-Addr: example@passport.com", "id: 2"),
	noticePayload(movedMail, "Src-Folder: ACTIVE", "Dest-Folder: ACTIVE", "Message-Delta: 1"),
	noticePayload(oldMail, "Inbox-Unread: 1"),
	noticePayload(systemNote, "Type: 1", "Arg1: 5"),
	profileMessage("sid: 1"),
}

func TestMailIsCountedInEveryDialect(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, _ string) {
		url := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: postURL, SiteID: ""}
		switch d := client.Dialect(); {
		case d < 3:
			ns.sendMessage("Hotmail", "Hotmail", noticePayload(oldMail, "Inbox-Unread: 3", "Folders-Unread: 2", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+postURL))
		case d < 11:
			ns.sendMessage("Hotmail", "Hotmail", mailSeeds[0])
		default:
			ns.sendMessage("Hotmail", "Hotmail", mailSeeds[1])
		}
		if e := nextEvent(t, client); e != (MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}) {
			t.Errorf("event %+v", e)
		}
		arrived := newMail
		if client.Dialect() < 3 {
			arrived = oldMail
		}
		ns.sendMessage("Hotmail", "Hotmail", noticePayload(arrived, "From: Example User", "Message-URL: /cgi-bin/getmsg?msg=1", "Post-URL: "+postURL,
			`Subject: =?"us-ascii"?Q?newsubject?=`, "Dest-Folder: ACTIVE", "From-Addr: example@passport.com", "id: 2"))
		e := waitFor[MailReceived](t, client)
		if e.At.IsZero() {
			t.Error("no time")
		}
		e.At = time.Time{}
		if want := (MailReceived{From: "Example User", FromAddress: "example@passport.com", Subject: "newsubject", Folder: "ACTIVE",
			URL: ServiceURL{Redirect: "/cgi-bin/getmsg?msg=1", Post: postURL, SiteID: "2"}}); e != want {
			t.Errorf("event %+v", e)
		}
		ns.sendMessage("Hotmail", "Hotmail", noticePayload(movedMail, "Src-Folder: ACTIVE", "Dest-Folder: trAsH", "Message-Delta: 2"))
		if e := nextEvent(t, client); e != (MailCounted{Inbox: 2, Folders: 2, URL: url}) {
			t.Errorf("event %+v", e)
		}
		expectNothingMore(t, client, ns)
	})
}

func TestServerMessages(t *testing.T) {
	server := func(payload string) Event { return ServerMessage{Message: wire.ParseMessage(payload)} }
	oims := noticePayload(initialData, "Mail-Data: "+mailList+oimInList+"</MD>")
	tooLarge := noticePayload(initialData, "Mail-Data: too-large")
	bomb := noticePayload(initialData, `Mail-Data: <!DOCTYPE a [<!ENTITY a "aaa">]>`+mailList+"</MD>")
	for _, test := range []struct {
		name    string
		payload string
		want    []Event
	}{
		{"a profile", mailSeeds[6], []Event{server(mailSeeds[6])}},
		{"offline messages in the list", oims, []Event{MailCounted{Inbox: 3, Folders: 2, Initial: true}, server(oims)}},
		{"a list that is too large", tooLarge, []Event{MailCounted{Unknown: true, Initial: true}, server(tooLarge)}},
		{"a list with entities", bomb, []Event{server(bomb)}},
		{"numbers beyond belief", noticePayload(initialMail, "Inbox-Unread: 4294967295", "Folders-Unread: -1"), []Event{MailCounted{Inbox: notice.MaxMails, Initial: true}}},
		{"no numbers", noticePayload(initialMail, "Inbox-Unread: many"), []Event{server(noticePayload(initialMail, "Inbox-Unread: many"))}},
		{"a number of a million digits", noticePayload(initialMail, "Inbox-Unread: "+strings.Repeat("9", 1000)), []Event{server(noticePayload(initialMail, "Inbox-Unread: "+strings.Repeat("9", 1000)))}},
		{"more moved than there were", mailSeeds[3], []Event{MailCounted{Unknown: true}}},
		{"offline messages deleted", noticePayload(movedMail, "Src-Folder: .!!OIM", "Dest-Folder: .!!trAsH", "Message-Delta: 1"),
			[]Event{server(noticePayload(movedMail, "Src-Folder: .!!OIM", "Dest-Folder: .!!trAsH", "Message-Delta: 1"))}},
		{"a mail from nobody", noticePayload(newMail, "id: 2"), []Event{server(noticePayload(newMail, "id: 2"))}},
		{"an offline message", noticePayload(oimNotice, "Mail-Data: <MD></MD>"), []Event{server(noticePayload(oimNotice, "Mail-Data: <MD></MD>"))}},
		{"a shutdown", mailSeeds[5], []Event{ShutdownAnnounced{In: 5 * time.Minute}}},
		{"a shutdown in the header", "Content-Type: " + systemNote + "\r\nType: 1\r\nArg1: 5\r\n\r\n", []Event{ShutdownAnnounced{In: 5 * time.Minute}}},
		{"a shutdown far ahead", noticePayload(systemNote, "Type: 1", "Arg1: 4000000000"), []Event{ShutdownAnnounced{In: notice.LongestShutdown}}},
		{"a shutdown at no time", noticePayload(systemNote, "Type: 1", "Arg1: -5"), []Event{SystemMessage{Type: "1", Args: []string{"-5"}}}},
		{"a shutdown without a time", noticePayload(systemNote, "Type: 1"), []Event{SystemMessage{Type: "1"}}},
		{"another system message", noticePayload(systemNote, "Type: 17", "Arg1: a", "Arg2: \x1bb", "Arg4: d"), []Event{SystemMessage{Type: "17", Args: []string{"a", "b"}}}},
		{"a system message without type", noticePayload(systemNote, "Arg1: a"), []Event{server(noticePayload(systemNote, "Arg1: a"))}},
		{"an unknown type", noticePayload("text/x-unknown", "a: b"), []Event{server(noticePayload("text/x-unknown", "a: b"))}},
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
	url := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: postURL, SiteID: ""}
	unknown := MailCounted{Unknown: true, Initial: true, URL: url}
	for name, test := range map[string]struct {
		answer string // of GetMetadata
		want   MailCounted
	}{
		"as elements":    {"<MD>" + mailCounts + oimInList + "</MD>", MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"in a result":    {"<GetMetadataResult><MD>" + mailCounts + "</MD></GetMetadataResult>", MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"as text":        {html.EscapeString("<MD>" + mailCounts + oimInList + "</MD>"), MailCounted{Inbox: 3, Folders: 2, Initial: true, URL: url}},
		"beyond belief":  {"<MD><E><IU>4294967295</IU></E></MD>", MailCounted{Inbox: notice.MaxMails, Initial: true, URL: url}},
		"it does not":    {"<MD>" + oimInList + "</MD>", unknown},
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
				ns.sendMessage("Hotmail", "Hotmail", noticePayload(initialData, "Mail-Data: too-large", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+postURL))
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
