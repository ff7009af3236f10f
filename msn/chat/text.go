package chat

import (
	"strconv"

	"matrix-msn/internal/grapheme"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// textPayloads makes the messages that carry a text. One message is used when it
// holds all; else the text is cut between characters, into parts that the contact
// joins again if it can (chunks), or into messages of their own.
// (protocol/04-switchboard.md, section 3.)
func textPayloads(text, format string, chunks bool) (payloads []string, chunked bool) {
	body := clean.CRLF(text)
	header := textHeader(format)
	whole := wire.Message{Header: header, Body: body}.Payload()
	if len(whole) <= wire.MaxSwitchboardPayload {
		return []string{whole}, false
	}
	bodies := grapheme.Split(body, min(MaxBody, wire.MaxSwitchboardPayload-len(header)-2))
	if !chunks || len(bodies) > maxChunks {
		for _, body := range bodies {
			payloads = append(payloads, wire.Message{Header: header, Body: body}.Payload())
		}
		return payloads, false
	}
	id := clean.NewGUID()
	// The first part has two more header lines.
	bodies = grapheme.Split(body, min(MaxBody, wire.MaxSwitchboardPayload-len(header)-len(id)-64))
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
	if format = clean.Format(format); format != "" {
		h = h.With("X-MMS-IM-Format", format)
	}
	return h
}
