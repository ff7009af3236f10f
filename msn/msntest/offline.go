package msntest

import (
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// Offline messages: how they are kept and announced (protocol/06-oim-mail.md).

// OfflineMessage is a message that waits for an account.
type OfflineMessage struct {
	ID             string // made when it is empty
	From, FromName string
	Text           string
	Format         string    // X-MMS-IM-Format, "" for none
	RunID          string    // "{GUID}", the same for what was written in one session
	Number         int       // order within RunID
	At             time.Time // now when it is zero
	Raw            string    // the whole mail, in place of what is made of the above
}

// keepOffline stores a message and announces it to those endpoints of the receiver that
// are signed in.
func (s *Server) keepOffline(from, to *Account, m OfflineMessage) {
	m.From, m.FromName = from.email, from.name
	s.putOffline(to, m)
}

func (s *Server) putOffline(to *Account, m OfflineMessage) {
	if m.ID == "" {
		m.ID = strings.ToUpper(newGUID())
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	to.offline = append(to.offline, &m)
	for _, ss := range to.present() {
		if ss.dialect >= wire.FirstPersonal {
			ss.hotmail("text/x-msmsgsoimnotification", wire.Header("").With("Mail-Data", "<MD>"+s.offlineEntry(&m, true)+"</MD>"))
		}
	}
	s.notifyChange()
}

// offlineEntry is M of Mail-Data and GetMetadata. What is announced live has no time.
func (s *Server) offlineEntry(m *OfflineMessage, live bool) string {
	folder, received := "00000000-0000-0000-0000-000000000009", "<RT>"+m.At.UTC().Format("2006-01-02T15:04:05.000Z")+"</RT>"
	name := encodedWord(m.FromName)
	if live {
		folder, received = ".!!OIM", ""
		if s.is.spacesAnnouncedName {
			name = strings.Replace(name, "?=", " ?=", 1)
		}
	}
	return fmt.Sprintf("<M><T>11</T><S>6</S>%s<RS>0</RS><SZ>%d</SZ><E>%s</E><I>%s</I><F>%s</F><N>%s</N></M><SU> </SU>",
		received, len(m.mail()), html.EscapeString(m.From), html.EscapeString(m.ID), folder, html.EscapeString(name))
}

// offlineList is all of it: "too-large" in mail notices that list more than they may.
func (s *Server) offlineList(a *Account) string {
	var b strings.Builder
	for _, m := range a.offline {
		b.WriteString(s.offlineEntry(m, false))
	}
	return b.String()
}

func encodedWord(text string) string {
	return "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}

// pacific is the zone that Date is written in, all year round.
var pacific = time.FixedZone("PST", -8*60*60)

// mail is the message as GetMessage returns it.
func (m *OfflineMessage) mail() string {
	if m.Raw != "" {
		return m.Raw
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s <%s>\r\n", encodedWord(m.FromName), m.From)
	fmt.Fprintf(&b, "Date: %s\r\n", m.At.In(pacific).Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	b.WriteString("Subject: \r\nX-OIM-originatingSource: 127.0.0.1\r\nX-OIMProxy: MSNMSGR\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\nX-OIM-Message-Type: OfflineMessage\r\n")
	if m.RunID != "" {
		fmt.Fprintf(&b, "X-OIM-Run-Id: %s\r\nX-OIM-Sequence-Num: %d\r\n", m.RunID, m.Number)
	}
	if m.Format != "" {
		fmt.Fprintf(&b, "X-MMS-IM-Format: %s\r\n", m.Format)
	}
	fmt.Fprintf(&b, "X-OriginalArrivalTime: %s (UTC) FILETIME=[%s]\r\n\r\n",
		m.At.UTC().Format("02 Jan 2006 15:04:05.0000"), "96699800:01DD7A5E")
	const width = 76
	encoded := base64.StdEncoding.EncodeToString([]byte(m.Text))
	for len(encoded) > width {
		b.WriteString(encoded[:width] + "\r\n")
		encoded = encoded[width:]
	}
	return b.String() + encoded + "\r\n"
}

// throttled counts a message that an account sends, and reports whether it is one too
// many.
func (s *Server) throttled(a *Account) bool {
	now := time.Now()
	a.sent = slices.DeleteFunc(a.sent, func(at time.Time) bool { return now.Sub(at) > time.Minute })
	if len(a.sent) >= s.opt.offlineRate {
		return true
	}
	a.sent = append(a.sent, now)
	return false
}

// OfflineMessages returns the offline messages that wait for an account, in the order
// in which they came.
func (s *Server) OfflineMessages(email string) []OfflineMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		return nil
	}
	var list []OfflineMessage
	for _, m := range a.offline {
		list = append(list, *m)
	}
	return list
}

// PutOffline leaves an offline message for an account as if From had sent it, and
// announces it when the account is signed in. It reports false when there is no such
// account.
func (s *Server) PutOffline(email string, m OfflineMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil || s.closed {
		return false
	}
	s.putOffline(a, m)
	return true
}

// readOffline reads the MIME message that a client stores; it reports false when the
// service would not take it.
func readOffline(content string) (m OfflineMessage, ok bool) {
	message := wire.ParseMessage(content)
	if message.MediaType() != "text/plain" {
		return m, false
	}
	body := message.Body
	if strings.EqualFold(message.Header.Get("Content-Transfer-Encoding"), "base64") {
		plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return m, false
		}
		body = string(plain)
	}
	m = OfflineMessage{Text: body, RunID: message.Header.Get("X-OIM-Run-Id"), Format: message.Header.Get("X-MMS-IM-Format")}
	_, err := fmt.Sscanf(message.Header.Get("X-OIM-Sequence-Num"), "%d", &m.Number)
	return m, err == nil && body != ""
}

// decodeWord decodes a name (RFC 2047).
func decodeWord(name string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		return decoded
	}
	return name
}
