package database

import "maunium.net/go/mautrix/bridgev2/networkid"

// LoginSpaceQuery knows which logins surely have no space of their own, which the framework makes and stores: each of thousands that sign in
// need not ask then.
type LoginSpaceQuery struct{ holders holders }

// None reports whether a login surely has no space, and had none in this run.
func (q *LoginSpaceQuery) None(login networkid.UserLoginID) bool { return q.holders.none(login) }

// Making notes that the space of a login is about to be made.
func (q *LoginSpaceQuery) Making(login networkid.UserLoginID) { q.holders.note(login) }
