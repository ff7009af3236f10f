package people

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
)

// Unshown tells of a text of somebody whose address Matrix has no room for, or cannot be told
// from another's: there can be no room with them. It reports false when there were too many.
func (s *Strangers) Unshown(ctx context.Context, from, text string, message networkid.MessageID) bool {
	if !s.notes.allow(noteAbout{kind: noteUnshown, account: from}, time.Now()) {
		return false
	}
	zerolog.Ctx(ctx).Warn().Msg("Somebody writes whose address cannot be shown in Matrix")
	s.tell(ctx, message, words.Text("people.wrote_to_you_whose_address_cannot",
		names.Quoted(names.Clean(from)), names.Quoted(names.Cut(names.OneLine(text), names.MaxField))))
	return true
}
