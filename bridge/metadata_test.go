package bridge

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/msn"
)

func TestLoginIsStoredWhileItChanges(t *testing.T) {
	t.Parallel()
	meta := account.NewMetadata(account.Record{Password: "sealed"})
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() { meta.Update(func(kept *account.Record) { kept.Elsewhere = !kept.Elsewhere; kept.Unread++ }) })
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
	var read account.Metadata
	if err := json.Unmarshal([]byte(`{"password":"sealed","elsewhere":true,"machine_guid":"{A}","unread":2,"refused":["offline/0/a"]}`), &read); err != nil {
		t.Fatal(err)
	}
	read.CopyFrom(account.NewMetadata(account.Record{Password: "new", MachineGUID: "{B}"}))
	if got, want := read.Get(), (account.Record{Password: "new", MachineGUID: "{A}", Refused: []networkid.MessageID{"offline/0/a"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("after a new sign-in %+v, want %+v", got, want)
	}
}

// What is changed from several goroutines at once is all there after a restart.
func TestLatestOfSeveralChangesOfALoginIsStored(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	login.Client.Disconnect() // the test is alone with the login
	client := login.Client.(*Client)
	for round := range 100 {
		var wait sync.WaitGroup
		for i := range 4 {
			part := networkid.MessageID(fmt.Sprint(round, " ", i))
			wait.Go(func() {
				if err := client.account.Remember(b.ctx, func(kept *account.Record) { kept.Refused = append(slices.Clone(kept.Refused), part) }); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Go(func() { client.session.Dispatch(b.ctx, msn.MailCounted{Inbox: 1 + round}) })
		wait.Wait()
		stored, err := b.br.DB.UserLogin.GetByID(b.ctx, login.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := stored.Metadata.(*account.Metadata).Get(), client.account.Stored(); !reflect.DeepEqual(got, want) || len(want.Refused) != 4*(1+round) {
			t.Fatalf("after %d rounds %+v is stored of %+v", 1+round, got, want)
		}
	}
}
