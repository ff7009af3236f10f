package bridge

import (
	"encoding/json"
	"reflect"
	"sync"
	"testing"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

func TestLoginIsStoredWhileItChanges(t *testing.T) {
	t.Parallel()
	meta := &UserLoginMetadata{kept: loginRecord{Password: "sealed"}}
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() { meta.update(func(kept *loginRecord) { kept.Elsewhere = !kept.Elsewhere; kept.Unread++ }) })
		wait.Go(func() {
			if _, err := json.Marshal(meta); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	data, err := json.Marshal(meta)
	if want := `{"password":"sealed","unread":100}`; string(data) != want || err != nil {
		t.Errorf("stored %s (%v), want %s", data, err, want)
	}
	var read UserLoginMetadata
	if err := json.Unmarshal([]byte(`{"password":"sealed","elsewhere":true,"machine_guid":"{A}","unread":2,"refused":["offline/0/a"]}`), &read); err != nil {
		t.Fatal(err)
	}
	read.CopyFrom(&UserLoginMetadata{kept: loginRecord{Password: "new", MachineGUID: "{B}"}})
	if got, want := read.get(), (loginRecord{Password: "new", MachineGUID: "{A}", Refused: []networkid.MessageID{"offline/0/a"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("after a new sign-in %+v, want %+v", got, want)
	}
}
