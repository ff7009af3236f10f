package room

import (
	"reflect"
	"unsafe"

	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// GiveCache gives a login the set of rooms that its user is known to be in. The framework
// makes one for logins that it loads, and forgets to for new ones (v0.32.0): then it invites
// the user with each event, also one who has left on purpose. The field is its own, so that
// there is no other way; a login that has a set, or another framework, is left as it is.
func GiveCache(login *bridgev2.UserLogin) {
	field := reflect.ValueOf(login).Elem().FieldByName("inPortalCache")
	set := exsync.NewSet[networkid.PortalKey]()
	if field.IsValid() && field.Type() == reflect.TypeOf(set) && field.IsNil() {
		*(**exsync.Set[networkid.PortalKey])(unsafe.Pointer(field.UnsafeAddr())) = set
	}
}
