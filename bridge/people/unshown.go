package people

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/names"
)

// Unshown tells of a text of somebody whose address Matrix has no room for, or cannot be told
// from another's: there can be no room with them. It reports false when there were too many.
func (s *Strangers) Unshown(ctx context.Context, from, text string, message networkid.MessageID) bool {
	if !s.notes.allow(noteAbout{kind: noteUnshown, account: from}, time.Now()) {
		return false
	}
	zerolog.Ctx(ctx).Warn().Msg("Somebody writes whose address cannot be shown in Matrix")
	s.tell(ctx, message, fmt.Sprintf("%s wrote to you, whose address cannot be shown in Matrix, so that there is no room with them. They wrote: %s",
		names.Quoted(names.Clean(from)), names.Quoted(names.Cut(names.OneLine(text), names.MaxField))))
	return true
}
