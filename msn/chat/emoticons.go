package chat

import (
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Pictures in a text are announced by messages right before it.

// announcements returns the messages that announce pictures: those that stand still, and those that move.
func announcements(emoticons []slp.Emoticon) (payloads []string) {
	for _, mediaType := range []string{slp.Emoticons, slp.AnimatedEmoticons} {
		head := string(wire.Header("").With("MIME-Version", "1.0").With("Content-Type", mediaType)) + "\r\n"
		body, n := "", 0
		for _, e := range emoticons {
			if e.Animated != (mediaType == slp.AnimatedEmoticons) || n >= slp.MaxEmoticons {
				continue
			}
			one := slp.EmoticonsBody([]slp.Emoticon{e})
			if len(head)+len(one) > wire.MaxSwitchboardPayload {
				continue // no server relays it
			}
			if body != "" && len(head)+len(body)+len(one) > wire.MaxSwitchboardPayload {
				payloads = append(payloads, head+body)
				body = ""
			}
			body += one
			n++
		}
		if body != "" {
			payloads = append(payloads, head+body)
		}
	}
	return payloads
}
