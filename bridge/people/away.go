package people

import (
	"context"
	"slices"
	"time"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// maxAway is of how many people is remembered that the user was told of them. Of the one that
// is forgotten the user is told again.
const maxAway = 200

// Absence is what comes into rooms that the user has left.
type Absence struct {
	account *account.Account
	names   *Names
	tell    tell
}

// CallsBack reports whether a message brings a user back into its room who has left it: one
// of somebody on their contact list, or of their own.
func (a *Absence) CallsBack(ctx context.Context, m *database.QueuedMessage) bool {
	return m.Kind != database.QueuedNote && m.Kind != database.QueuedNudge && (m.Sender == a.account.Identity.Account || a.account.OnList(ctx, m.Sender))
}

// Away tells the user once, while they stay out of the room with somebody, that there are
// messages in it: nobody shows them those.
func (a *Absence) Away(ctx context.Context, m *database.QueuedMessage, away bool) {
	with, alone := msnid.ParseDMPortalID(m.PortalID)
	if !alone || m.Sender != with {
		return
	}
	if !away {
		a.names.returned(with)
	}
	told := slices.Contains(a.account.Stored().Away, with)
	if away == told {
		return
	}
	if away {
		now := time.Now()
		a.tell(ctx, msnid.MakeNoticeMessageID("away", with, now.Format(time.RFC3339Nano)),
			words.Text("people.writes_to_you_in_the_room",
				with, a.account.Bridge.Config.CommandPrefix, with))
	}
	_ = a.account.Remember(ctx, func(kept *account.Record) {
		others := slices.DeleteFunc(slices.Clone(kept.Away), func(account string) bool { return account == with })
		if away {
			others = append(others, with)
		}
		kept.Away = others[max(0, len(others)-maxAway):]
	})
}
