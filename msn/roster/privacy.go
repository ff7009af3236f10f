package roster

import "matrix-msn/msn/wire"

// Privacy is what the user lets others do (protocol/02-contacts.md, section 3.6).
type Privacy struct {
	// Everybody who is on neither AL nor BL may see and reach the user (BLP AL); otherwise
	// nobody may who is not on AL.
	Everybody bool
	// Asks says that the user wants to be asked before somebody adds them (GTC A). It is for
	// clients to keep: servers do not.
	Asks bool
}

// Privacy returns the user's settings. Until the server has told them they are what accounts
// have that nobody has changed: everybody, and asked.
func (b *Book) Privacy() Privacy { return b.privacy }

// SetPrivacy notes the user's settings.
func (b *Book) SetPrivacy(privacy Privacy) { b.privacy = privacy }

// setting applies BLP and GTC: "[trid] [version] value".
func (b *Book) setting(cmd wire.Command) {
	args := skipNumbers(cmd.Args)
	switch value := argAt(args, 0); {
	case cmd.Verb == "BLP" && (value == "AL" || value == "BL"):
		b.privacy.Everybody = value == "AL"
	case cmd.Verb == "GTC" && (value == "A" || value == "N"):
		b.privacy.Asks = value == "A"
	}
}
