package msn

import (
	"context"

	"matrix-msn/msn/wire"
)

// roster loads the contact lists into a Client's book and follows their changes.
// MSNP2 to MSNP12 do this by SYN on the notification connection; later dialects
// do it by web services.
type roster interface {
	// load downloads the lists. It is called once, while signing in.
	load(ctx context.Context, s *signIn) error
	// update applies a command that may be about the lists, whenever it comes. It
	// reports false when the command is not the roster's.
	update(cmd wire.Command) ([]Event, bool)
	// addContact, removeContact and move change the lists for the user; see
	// listedit.go. They are called outside of the owner, and wait.
	addContact(ctx context.Context, account, message string) error
	removeContact(ctx context.Context, account string) error
	move(ctx context.Context, account string, from, to List) error
	// refresh brings the lists up to date after news that something has changed
	// which no command tells (protocol/07, section 5.3). It does not wait.
	refresh()
}
