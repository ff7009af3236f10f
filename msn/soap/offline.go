package soap

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"matrix-msn/msn/internal/clean"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	readNamespace = "http://www.hotmail.msn.com/ws/2004/09/oim/rsi"
	// maxOffline is how many offline messages of one answer are listed. More wait
	// until those are deleted.
	maxOffline = 500
	// MaxOfflineText is the longest text of an offline message in bytes that is
	// kept.
	MaxOfflineText = 64 << 10
	// maxParts is how many parts of a mail are looked at for its text.
	maxParts = 16
	// maxName is the longest sender's name or session's ID that is kept, in bytes.
	maxName = 512
	// maxFormat is the longest X-MMS-IM-Format that is kept, in bytes: longer than
	// any that is used.
	maxFormat = 4096
)

// Mailbox calls the service that keeps the offline messages sent to the user, from
// MSNP11 on (protocol/06-oim-mail.md, section 2.1).
type Mailbox struct {
	Caller Caller
	URL    string
	// Ticket returns the present ticket of messenger.msn.com: "t=…&p=…".
	Ticket func() string
}

// Offline is one offline message as it is listed.
type Offline struct {
	ID   string
	From string // account, as the service vouches for it
	Name string // that the sender chose; under the sender's control
	At   time.Time
}

// OfflineText is the content of an offline message.
type OfflineText struct {
	Text   string // valid UTF-8 with LF line ends, cut at MaxOfflineText
	At     time.Time
	RunID  string // the same for messages that the sender wrote in one session
	Number int    // order within RunID
	Format string // X-MMS-IM-Format, "" when the message has none
}

type passportCookie struct {
	XMLName xml.Name `xml:"http://www.hotmail.msn.com/ws/2004/09/oim/rsi PassportCookie"`
	T       string   `xml:"t"`
	P       string   `xml:"p"`
}

func (b *Mailbox) call(ctx context.Context, operation string, body, answer any) error {
	ticket := strings.TrimPrefix(b.Ticket(), "t=")
	t, p, _ := strings.Cut(ticket, "&p=")
	return b.Caller.Call(ctx, Request{
		URL: b.URL, Action: readNamespace + "/" + operation, Reads: reads(operation),
		Header: passportCookie{T: t, P: p}, Body: body,
	}, nil, answer)
}

// MailData is what a service tells of the user's mail.
type MailData struct {
	Offline []Offline // messages that wait, oldest first
	// Counted says that the numbers of unread mails are known: those of the inbox,
	// and of the other folders.
	Counted        bool
	Inbox, Folders uint32
}

// mailData is Mail-Data and the answer of GetMetadata.
type mailData struct {
	Unread   unread `xml:"E"`
	Messages []struct {
		ID   Text `xml:"I"`
		From Text `xml:"E"`
		Name Text `xml:"N"`
		At   Text `xml:"RT"`
	} `xml:"M"`
}

// unread are numbers of mails. Not every service has them in every document.
type unread struct {
	Inbox   Text `xml:"IU"`
	Folders Text `xml:"OU"`
}

// ParseMailData returns the offline messages that Mail-Data lists, oldest first.
// It reports false when the list is not in it ("too-large"), so that it must be
// asked for.
func ParseMailData(data string) ([]Offline, bool) {
	data = strings.TrimSpace(data)
	if data == "too-large" {
		return nil, false
	}
	var list mailData
	if err := decodeElement(data, &list); err != nil {
		return nil, false
	}
	return list.messages(), true
}

func (d *mailData) messages() (list []Offline) {
	for _, m := range d.Messages {
		if m.ID == "" || len(list) >= maxOffline {
			continue
		}
		at, _ := time.Parse(time.RFC3339Nano, string(m.At))
		list = append(list, Offline{ID: string(m.ID), From: string(m.From), Name: clean.Words(string(m.Name), maxName), At: at})
	}
	slices.SortStableFunc(list, func(a, b Offline) int { return a.At.Compare(b.At) })
	return list
}

func (d *mailData) told() *MailData {
	told := &MailData{Offline: d.messages()}
	inbox, err := strconv.ParseUint(string(d.Unread.Inbox), 10, 32)
	folders, _ := strconv.ParseUint(string(d.Unread.Folders), 10, 32)
	if err == nil {
		told.Counted, told.Inbox, told.Folders = true, uint32(inbox), uint32(folders)
	}
	return told
}

// Metadata returns what waits for the user (GetMetadata).
func (b *Mailbox) Metadata(ctx context.Context) (*MailData, error) {
	// Some services fail when the element is empty.
	body := struct {
		XMLName xml.Name `xml:"http://www.hotmail.msn.com/ws/2004/09/oim/rsi GetMetadata"`
		Filler  string   `xml:"x"`
	}{}
	var answer struct {
		Text string `xml:",chardata"`
		// The original put the document in as elements.
		Data  mailData `xml:"MD"`
		Child mailData `xml:"GetMetadataResult>MD"`
	}
	if err := b.call(ctx, "GetMetadata", body, &answer); err != nil {
		return nil, err
	}
	list := answer.Data
	list.Messages = append(list.Messages, answer.Child.Messages...)
	list.Unread = cmp.Or(list.Unread, answer.Child.Unread)
	if text := strings.TrimSpace(answer.Text); text != "" {
		if err := decodeElement(text, &list); err != nil {
			return nil, err
		}
	}
	return list.told(), nil
}

// Get returns the content of an offline message (GetMessage). It is not marked as
// read.
func (b *Mailbox) Get(ctx context.Context, id string) (*OfflineText, error) {
	body := struct {
		XMLName xml.Name `xml:"http://www.hotmail.msn.com/ws/2004/09/oim/rsi GetMessage"`
		ID      string   `xml:"messageId"`
		Read    bool     `xml:"alsoMarkAsRead"`
	}{ID: id}
	var answer struct {
		Mail string `xml:"GetMessageResult"`
	}
	if err := b.call(ctx, "GetMessage", body, &answer); err != nil {
		return nil, err
	}
	return ParseOffline(answer.Mail)
}

// Delete removes offline messages (DeleteMessages). Services refuse all when they know
// one of them no more: then the others are removed one by one, and those that are
// unknown are left out of deleted. The error is the last of those that could not be
// removed.
func (b *Mailbox) Delete(ctx context.Context, ids ...string) (deleted []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err = b.delete(ctx, ids...); err == nil {
		return ids, nil
	}
	if !isClientFault(err) {
		return nil, err
	}
	// The same fault may blame the ticket or anything else, so that only the list tells
	// what is unknown.
	waiting, unlisted := b.Metadata(ctx)
	if unlisted != nil {
		return nil, err
	}
	known := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !waiting.mayHave(id) })
	if len(ids) == 1 && len(known) == 1 {
		return nil, err
	}
	err = nil
	for _, id := range known {
		one := b.delete(ctx, id)
		_, fault := errors.AsType[*Fault](one)
		switch {
		case one == nil:
			deleted = append(deleted, id)
		case !fault || IsUnauthorized(one):
			return deleted, one // the next one would fare no better
		default:
			err = one
		}
	}
	return deleted, err
}

// mayHave reports whether a message is listed, or can be among those that the list was
// too long for.
func (d *MailData) mayHave(id string) bool {
	return len(d.Offline) >= maxOffline || slices.ContainsFunc(d.Offline, func(m Offline) bool { return m.ID == id })
}

func (b *Mailbox) delete(ctx context.Context, ids ...string) error {
	body := struct {
		XMLName xml.Name `xml:"http://www.hotmail.msn.com/ws/2004/09/oim/rsi DeleteMessages"`
		IDs     []string `xml:"messageIds>messageId"`
	}{IDs: ids}
	return b.call(ctx, "DeleteMessages", body, nil)
}

// isClientFault reports whether a service blames the request, as it does for unknown
// messages among others, and not the ticket.
func isClientFault(err error) bool {
	fault, ok := errors.AsType[*Fault](err)
	return ok && fault.Code == "Client" && !IsUnauthorized(err)
}

// ParseOffline reads the mail that an offline message is. What is damaged is
// repaired; the error wraps ErrAnswer when there is no mail at all.
func ParseOffline(document string) (*OfflineText, error) {
	document = strings.ReplaceAll(strings.ReplaceAll(document, "\r\n", "\n"), "\r", "\n")
	m, err := mail.ReadMessage(strings.NewReader(strings.TrimLeft(document, "\n ")))
	if err != nil {
		return nil, fmt.Errorf("%w: an offline message is no mail", ErrAnswer)
	}
	o := &OfflineText{RunID: clean.Cut(m.Header.Get("X-OIM-Run-Id"), maxName), Format: clean.Cut(m.Header.Get("X-MMS-IM-Format"), maxFormat), At: arrival(m.Header)}
	o.Number, _ = strconv.Atoi(m.Header.Get("X-OIM-Sequence-Num"))
	o.Text = textOf(m.Header.Get, m.Body, 0)
	o.Text = strings.ReplaceAll(strings.ReplaceAll(o.Text, "\r\n", "\n"), "\r", "\n")
	return o, nil
}

// arrival returns when a mail came. Date carries a zone that services get wrong.
func arrival(h mail.Header) time.Time {
	stamp, _, _ := strings.Cut(h.Get("X-OriginalArrivalTime"), "(")
	for _, layout := range []string{"02 Jan 2006 15:04:05", "2 Jan 2006 15:04:05"} {
		// Servers write the fraction in any number of digits.
		whole, _, _ := strings.Cut(strings.TrimSpace(stamp), ".")
		if at, err := time.Parse(layout, whole); err == nil {
			return at
		}
	}
	at, _ := h.Date() // the zero time when there is none
	return at
}

// textOf returns the text of a mail or of the first of its parts that has one.
func textOf(header func(string) string, body io.Reader, depth int) string {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") && depth < 4 {
		parts := multipart.NewReader(body, params["boundary"])
		for range maxParts {
			part, err := parts.NextRawPart()
			if err != nil {
				return ""
			}
			if text := textOf(part.Header.Get, part, depth+1); text != "" {
				return text
			}
		}
		return ""
	}
	if err == nil && kind != "text/plain" && depth > 0 {
		return ""
	}
	raw, _ := io.ReadAll(io.LimitReader(body, 2*MaxOfflineText)) // from memory
	content := string(raw)
	switch strings.ToLower(strings.TrimSpace(header("Content-Transfer-Encoding"))) {
	case "base64":
		content = decodeBase64(content)
	case "quoted-printable":
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(content))); err == nil || len(plain) > 0 {
			content = string(plain)
		}
	}
	return clean.Cut(clean.Charset(content, params["charset"]), MaxOfflineText)
}

// decodeBase64 decodes as far as it goes.
func decodeBase64(text string) string {
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '+', r == '/':
			return r
		}
		return -1
	}, text)
	letters = letters[:len(letters)-boolInt(len(letters)%4 == 1)]
	plain, _ := base64.RawStdEncoding.DecodeString(letters) // only letters of the alphabet
	return string(plain)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decodeElement decodes a document without envelope, within the same limits.
func decodeElement(document string, v any) error {
	readable, err := readable(document)
	if err != nil {
		return err
	}
	if err := xml.NewTokenDecoder(&shallow{decoder: newDecoder(readable)}).Decode(v); err != nil {
		return wrong(err)
	}
	return nil
}
