// Package longtext is texts that are too long for one message: cut into several, and joined
// again.
package longtext

import (
	"strconv"

	"matrix-msn/internal/grapheme"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// MaxBody is how many bytes of text go into each message when one does not hold all. Period
// clients cut at about as much (protocol/09-quirks.md, section 3).
const MaxBody = 1400

// Cut makes the payloads of the messages that carry a text. One message is used when it
// holds all; else the text is cut between characters, into parts that the contact
// joins again if it can (chunks), or into messages of their own.
// (protocol/04-switchboard.md, section 3.)
func Cut(text, format string, chunks bool) (payloads []string, chunked bool) {
	body := clean.CRLF(text)
	style := header(format)
	whole := wire.Message{Header: style, Body: body}.Payload()
	if len(whole) <= wire.MaxSwitchboardPayload {
		return []string{whole}, false
	}
	bodies := grapheme.Split(body, min(MaxBody, wire.MaxSwitchboardPayload-len(style)-2))
	if !chunks || len(bodies) > maxChunks {
		for _, body := range bodies {
			payloads = append(payloads, wire.Message{Header: style, Body: body}.Payload())
		}
		return payloads, false
	}
	id := clean.NewGUID()
	// The first part has two more header lines.
	bodies = grapheme.Split(body, min(MaxBody, wire.MaxSwitchboardPayload-len(style)-len(id)-64))
	for i, body := range bodies {
		h := style.With("Message-ID", id).With("Chunks", strconv.Itoa(len(bodies)))
		if i > 0 {
			h = wire.Header("").With("Message-ID", id).With("Chunk", strconv.Itoa(i))
		}
		payloads = append(payloads, wire.Message{Header: h, Body: body}.Payload())
	}
	return payloads, true
}

func header(format string) wire.Header {
	h := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/plain; charset=UTF-8")
	if format = clean.Format(format); format != "" {
		h = h.With("X-MMS-IM-Format", format)
	}
	return h
}
