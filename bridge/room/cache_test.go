package room

import (
	"testing"

	"reflect"

	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// The framework's field is where GiveCache looks for it, so that a new version of it shows.
func TestNewLoginsGetTheirSetOfRooms(t *testing.T) {
	t.Parallel()
	login := new(bridgev2.UserLogin)
	field := reflect.ValueOf(login).Elem().FieldByName("inPortalCache")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*exsync.Set[networkid.PortalKey]]() || !field.IsNil() {
		t.Fatal("the framework keeps the rooms of a user otherwise than before")
	}
	GiveCache(login)
	set := field.Pointer()
	if set == 0 {
		t.Fatal("there is no set")
	}
	if GiveCache(login); field.Pointer() != set {
		t.Error("the set was replaced")
	}
}
