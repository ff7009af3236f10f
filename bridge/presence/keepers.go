package presence

import (
	"context"
	"sync"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/msn"
)

// Keepers show the same contacts in several ways: the presence first, then the status in the
// profile where the homeserver takes one.
type Keepers []*Keeper

// Start starts all of them, or none.
func (ks Keepers) Start(ctx context.Context) error {
	for i, k := range ks {
		if err := k.Start(ctx); err != nil {
			ks[:i].Stop()
			return err
		}
	}
	return nil
}

// Stop stops them side by side.
func (ks Keepers) Stop() {
	var stopping sync.WaitGroup
	for _, k := range ks {
		stopping.Go(k.Stop)
	}
	stopping.Wait()
}

// Begin is Keeper.Begin of all of them.
func (ks Keepers) Begin(id networkid.UserLoginID, rooms []networkid.UserID) {
	for _, k := range ks {
		k.Begin(id, rooms)
	}
}

// Lost is Keeper.Lost of all of them.
func (ks Keepers) Lost(id networkid.UserLoginID) {
	for _, k := range ks {
		k.Lost(id)
	}
}

// End is Keeper.End of all of them.
func (ks Keepers) End(id networkid.UserLoginID) {
	for _, k := range ks {
		k.End(id)
	}
}

// Report says how a login sees a contact now.
func (ks Keepers) Report(id networkid.UserLoginID, who networkid.UserID, contact msn.Contact) {
	for _, k := range ks {
		k.Report(id, who, k.cfg.Kind.of(contact))
	}
}

// Room is Keeper.Room of all of them.
func (ks Keepers) Room(id networkid.UserLoginID, who networkid.UserID) {
	for _, k := range ks {
		k.Room(id, who)
	}
}

// Spoken is Keeper.Spoken of all of them.
func (ks Keepers) Spoken(who networkid.UserID) {
	for _, k := range ks {
		k.Spoken(who)
	}
}

// Works reports whether the homeserver shows who is online, as far as is known.
func (ks Keepers) Works() bool { return len(ks) > 0 && ks[0].Works() }

// InProfiles reports whether the homeserver shows the status in profiles, as far as is known.
func (ks Keepers) InProfiles() bool { return len(ks) > 1 && ks[1].Works() }
