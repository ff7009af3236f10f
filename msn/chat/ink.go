package chat

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"

	"matrix-msn/msn/wire"
)

// Handwriting comes as a picture to clients that do not say that they read its own format, and as
// that all the same at times (protocol/11-rich-content.md, section 4).

// The types of handwriting. Some clients mark its text by inkMark.
const (
	inkPicture = "image/gif"
	inkStrokes = "application/x-ms-ink"
	inkMark    = "base64:"
)

// MaxInk is how long handwriting may be, in bytes.
const MaxInk = 192 << 10

// InkSession is the session of packets that hold a whole message with handwriting, in UTF-16.
const InkSession = 64

// PackedInk handles a message that came in packets of InkSession. d is that of the last of them.
func (c *Chats) PackedInk(d Data, packed string) {
	if m, ok := packedInk(packed); ok {
		d.Message = m
		c.ink(d)
	}
}

// ink handles handwriting.
func (c *Chats) ink(d Data) {
	if d.Own {
		return
	}
	data, ok := inkData(d.Message.Body)
	if !ok {
		c.other(d)
		return
	}
	e := InkReceived{Origin: c.origin(d)}
	if strings.HasPrefix(data, "GIF8") { // whatever the header says: some exchange the types
		e.Picture = data
	} else {
		e.Strokes = data
	}
	c.conn.Emit(e)
}

// inkData returns the bytes of handwriting, which may be there as they are. It reports false for
// what is too long, or nothing.
func inkData(body string) (data string, ok bool) {
	if strings.HasPrefix(body, "GIF8") {
		return body, len(body) <= MaxInk
	}
	text := strings.Trim(body, " \t\r\n\x00")
	text, marked := strings.CutPrefix(text, inkMark)
	if base64.StdEncoding.DecodedLen(len(text)) > MaxInk+len("==") {
		return "", false
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		if marked {
			return "", false
		}
		return body, text != "" && len(body) <= MaxInk // raw strokes, which begin with a NUL
	}
	return string(decoded), len(decoded) > 0
}

// packedInk reads the message that stands in UTF-16 in a packet. It reports false when it is none
// with handwriting.
func packedInk(data string) (m wire.Message, ok bool) {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		if unit := uint16(data[0]) | uint16(data[1])<<8; unit != 0 {
			units = append(units, unit)
		}
	}
	m = wire.ParseMessage(string(utf16.Decode(units)))
	kind := m.MediaType()
	return m, kind == inkPicture || kind == inkStrokes
}
