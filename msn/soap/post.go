package soap

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/xmltext"
)

// Post sends offline messages, from MSNP11 to MSNP17 (protocol/06-oim-mail.md,
// section 2.2).
type Post struct {
	Caller Caller
	URL    string
	// Ticket returns the present ticket of messengersecure.live.com.
	Ticket func() string
	// Second uses the generation of MSNP15 and later (Store2).
	Second bool
	// Dialect and Build name the client: "MSNP15", "8.5.1302".
	Dialect, Build string
	// Product is the ID of the client's product, and Answer answers a challenge
	// with its key (protocol/01-login.md, section 9.2).
	Product string
	Answer  func(challenge string) string

	lockKey string // the answer that the service took last
}

// OfflineMessage is an offline message to send.
type OfflineMessage struct {
	From, FromName, To string
	RunID              string // "{GUID}", one per session and recipient
	Number             int    // from 1, within RunID
	Text               string
	Format             string // X-MMS-IM-Format, "" for none; one that is no header line is left out
}

// Errors of sending offline messages.
var (
	// ErrUnavailable: there is no such account, or it has blocked the user.
	ErrUnavailable = errors.New("msn: the service does not take offline messages for this contact")
	// ErrThrottled: too many were sent; services allow some ten a minute.
	ErrThrottled = errors.New("msn: too many offline messages")
	// ErrContent: the service does not take this text.
	ErrContent = errors.New("msn: the service does not take this offline message")
)

// Send stores a message for somebody who is offline (Store). It is not to be
// called from two goroutines at a time. The error wraps ErrUnavailable,
// ErrThrottled or ErrContent when the *Fault says so.
func (p *Post) Send(ctx context.Context, m OfflineMessage) error {
	err := p.store(ctx, m)
	fault, ok := errors.AsType[*Fault](err)
	if ok && fault.Code == "AuthenticationFailed" && fault.LockKeyChallenge != "" {
		p.lockKey = p.Answer(fault.LockKeyChallenge)
		err = p.store(ctx, m)
		fault, ok = errors.AsType[*Fault](err)
	}
	if !ok {
		return err
	}
	switch fault.Code {
	case "SystemUnavailable":
		return fmt.Errorf("%w: %w", ErrUnavailable, fault)
	case "SenderThrottleLimitExceeded":
		return fmt.Errorf("%w: %w", ErrThrottled, fault)
	case "InvalidContent":
		return fmt.Errorf("%w: %w", ErrContent, fault)
	}
	return err
}

// generations of the service: namespace and action.
var generations = map[bool][2]string{
	false: {"http://messenger.msn.com/ws/2004/09/oim/", "Store"},
	true:  {"http://messenger.live.com/ws/2006/09/oim/", "Store2"},
}

func (p *Post) store(ctx context.Context, m OfflineMessage) error {
	namespace, operation := generations[p.Second][0], generations[p.Second][1]
	header := fmt.Sprintf(`<From memberName="%s" friendlyName="%s" xml:lang="en-US" proxy="MSNMSGR" xmlns="%s" msnpVer="%s" buildVer="%s"/>`+
		`<To memberName="%s" xmlns="%[3]s"/>`+
		`<Ticket passport="%[7]s" appid="%[8]s" lockkey="%[9]s" xmlns="%[3]s"/>`+
		`<Sequence xmlns="http://schemas.xmlsoap.org/ws/2003/03/rm">`+
		`<Identifier xmlns="http://schemas.xmlsoap.org/ws/2002/07/utility">http://messenger.msn.com</Identifier>`+
		`<MessageNumber>%[10]d</MessageNumber></Sequence>`,
		xmltext.Escape(m.From), xmltext.Escape(encodeWord(cmp.Or(m.FromName, m.From))), namespace, xmltext.Escape(p.Dialect), xmltext.Escape(p.Build),
		xmltext.Escape(m.To), xmltext.Escape(p.Ticket()), xmltext.Escape(p.Product), xmltext.Escape(p.lockKey), m.Number)
	body := fmt.Sprintf(`<MessageType xmlns="%s">text</MessageType><Content xmlns="%[1]s">%s</Content>`, namespace, xmltext.Escape(m.mime()))
	return p.Caller.Call(ctx, Request{URL: p.URL, Action: namespace + operation, Header: Raw(header), Body: Raw(body)}, nil, nil)
}

// lineLength is how long lines of base64 are.
const lineLength = 76

// mime returns the message as the service wants it.
func (m *OfflineMessage) mime() string {
	var b strings.Builder
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n"+
		"X-OIM-Message-Type: OfflineMessage\r\nX-OIM-Run-Id: %s\r\nX-OIM-Sequence-Num: %d\r\n", m.RunID, m.Number)
	if format := clean.Format(m.Format); format != "" {
		fmt.Fprintf(&b, "X-MMS-IM-Format: %s\r\n", format)
	}
	b.WriteString("\r\n")
	text := strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n", "\r\n")
	encoded := []byte(base64.StdEncoding.EncodeToString([]byte(text)))
	for i, line := range slices.Collect(slices.Chunk(encoded, lineLength)) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.Write(line)
	}
	return b.String()
}

// encodeWord encodes a name in one word, as servers expect it, whatever its length.
func encodeWord(name string) string {
	return "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?="
}
