package msn

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/wire"
)

// lineEnds and crlf change line ends: the wire has CR LF, programs have LF.
var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	crlf     = strings.NewReplacer("\n", "\r\n")
)

// textPayloads makes the messages that carry a text. One message is used when it
// holds all; else the text is cut between characters, into parts that the contact
// joins again if it can (chunks), or into messages of their own.
// (protocol/04-switchboard.md, section 3.)
func textPayloads(text, format string, chunks bool) (payloads []string, chunked bool) {
	body := crlf.Replace(lineEnds.Replace(strings.ToValidUTF8(text, "\uFFFD")))
	header := textHeader(format)
	whole := wire.Message{Header: header, Body: body}.Payload()
	if len(whole) <= wire.MaxSwitchboardPayload {
		return []string{whole}, false
	}
	bodies := cut(body, min(safeBody, wire.MaxSwitchboardPayload-len(header)-2))
	if !chunks || len(bodies) > maxChunks {
		for _, body := range bodies {
			payloads = append(payloads, wire.Message{Header: header, Body: body}.Payload())
		}
		return payloads, false
	}
	id := newMessageID()
	// The first part has two more header lines.
	bodies = cut(body, min(safeBody, wire.MaxSwitchboardPayload-len(header)-len(id)-64))
	for i, body := range bodies {
		h := header.With("Message-ID", id).With("Chunks", strconv.Itoa(len(bodies)))
		if i > 0 {
			h = wire.Header("").With("Message-ID", id).With("Chunk", strconv.Itoa(i))
		}
		payloads = append(payloads, wire.Message{Header: h, Body: body}.Payload())
	}
	return payloads, true
}

func textHeader(format string) wire.Header {
	h := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/plain; charset=UTF-8")
	if format = cleanFormat(format); format != "" {
		h = h.With("X-MMS-IM-Format", format)
	}
	return h
}

// cleanFormat returns a style that can be passed on, or "".
func cleanFormat(format string) string {
	if len(format) > MaxFormat || !utf8.ValidString(format) || strings.ContainsAny(format, "\r\n\x00") {
		return ""
	}
	return format
}

// cut cuts s into pieces of at most n bytes, never inside a character or a line
// end.
func cut(s string, n int) []string {
	var pieces []string
	for len(s) > n {
		end := n
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		if end > 1 && s[end-1] == '\r' && s[end] == '\n' {
			end--
		}
		pieces = append(pieces, s[:end])
		s = s[end:]
	}
	return append(pieces, s)
}

// newMessageID makes a GUID in braces.
func newMessageID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0F | 0x40
	b[8] = b[8]&0x3F | 0x80
	return fmt.Sprintf("{%X-%X-%X-%X-%X}", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
