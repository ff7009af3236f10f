package bridge

import (
	"context"
	"sync"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
)

// A message that comes while the room of its portal is made waits for that: nobody else
// begins to make it.
func TestRoomIsMadeByOneAtATime(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	key := client.account.PortalKey(bob)
	begun, goOn := make(chan struct{}, 2), make(chan struct{})
	b.matrix.beforeRooms(func() error {
		begun <- struct{}{}
		<-goOn
		return nil
	})
	described := make(chan struct{}, 2)
	make1 := func() error {
		_, err := client.rooms.Ensure(b.ctx, key, func(ctx context.Context) (*bridgev2.ChatInfo, error) {
			described <- struct{}{}
			return client.info(ctx, key.ID)
		})
		return err
	}
	var makers sync.WaitGroup
	makers.Go(func() {
		if err := make1(); err != nil {
			t.Error(err)
		}
	})
	<-begun
	bobs, _ := b.friend()
	if err := bobs.Say(b.ctx, alice, "I am here"); err != nil {
		t.Fatal(err)
	}
	b.waitQueued(1)
	makers.Go(func() {
		if err := make1(); err != nil {
			t.Error(err)
		}
	})
	close(goOn)
	makers.Wait()
	said, _ := b.waitMessage(0, "I am here")
	if room := b.roomOfPortal(key); said.room != room {
		t.Errorf("said in %s, the room is %s", said.room, room)
	}
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" }); len(rooms) != 1 || len(described) != 1 {
		t.Errorf("rooms made: %v, described %d times", rooms, len(described))
	}
}
