package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// handledAside has events taken aside, and keeps in which order they are handled. Each waits until its gate is closed.
type handledAside struct {
	invitations
	mu    sync.Mutex
	order []string
	gates map[id.EventID]chan struct{}
	// dropped is how many are never handled.
	dropped int
}

// take has an event taken aside, and reports whether it was: nobody else waits for it.
func (h *handledAside) take(user, room, evt string, isInvitation bool) bool {
	h.mu.Lock()
	if h.gates == nil {
		h.gates = make(map[id.EventID]chan struct{})
	}
	h.gates[id.EventID(evt)] = make(chan struct{})
	h.mu.Unlock()
	taken := &event.Event{Sender: id.UserID(user), RoomID: id.RoomID(room), ID: id.EventID(evt)}
	by := taken.Sender
	if strings.HasPrefix(user, "@refused") {
		by = nobody
	}
	aside, handled := h.takeAside(context.Background(), taken, by, isInvitation, func(_ context.Context, evt *event.Event) {
		h.mu.Lock()
		h.order = append(h.order, string(evt.ID))
		gate := h.gates[evt.ID]
		h.mu.Unlock()
		<-gate
	})
	if aside && !handled {
		h.mu.Lock()
		h.dropped++
		h.mu.Unlock()
	}
	return aside
}

// began returns which events were begun with.
func (h *handledAside) began() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.order)
}

// An invitation waits for those by the same user before it, what comes in its room for it, and nobody else.
func TestInvitationsAreHandledBesidesTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h handledAside
		if h.take("@alice", "!other", "$text", false) {
			t.Error("what is no invitation is taken aside in a room without one")
		}
		for _, taken := range []bool{
			h.take("@alice", "!1", "$first", true),
			h.take("@alice", "!2", "$second", true),
			h.take("@carol", "!3", "$carols", true),
			h.take("@alice", "!1", "$leaves", false),
		} {
			if !taken {
				t.Error("an invitation, or what comes behind it, is not taken aside")
			}
		}
		began := h.began()
		slices.Sort(began)
		if !slices.Equal(began, []string{"$carols", "$first"}) {
			t.Errorf("begun is %q", began)
		}
		for _, step := range []struct {
			ends id.EventID
			next string
		}{{"$first", "$leaves"}, {"$leaves", "$second"}} {
			close(h.gates[step.ends])
			if began := h.began(); began[len(began)-1] != step.next {
				t.Errorf("after %s was begun %q", step.ends, began)
			}
		}
		close(h.gates["$second"])
		close(h.gates["$carols"])
		synctest.Wait()
		if len(h.rooms)+len(h.users) > 0 {
			t.Errorf("kept are %v and %v", h.rooms, h.users)
		}
		h.stop()
		if h.take("@alice", "!1", "$late", true) {
			t.Error("an invitation is taken aside after a stop")
		}
	})
}

// What is more than a person does is passed over, and nobody waits for it.
func TestFloodOfInvitationsIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h handledAside
		for n := range 2 * maxInvitations {
			if !h.take("@alice", fmt.Sprint("!", n), fmt.Sprint("$", n), true) {
				t.Fatalf("everybody waits for invitation %d", n)
			}
		}
		for n := range 2 * maxBehindInvitation {
			if !h.take("@alice", "!0", fmt.Sprint("$behind", n), false) {
				t.Fatalf("everybody waits for change %d behind an invitation", n)
			}
		}
		if began := h.began(); len(began) != 1 || h.dropped != maxInvitations-1+maxBehindInvitation {
			t.Errorf("%d are handled at a time, %d are dropped", len(began), h.dropped)
		}
		for _, gate := range h.gates {
			close(gate)
		}
		if began := h.began(); len(began) != 1+maxInvitations+maxBehindInvitation {
			t.Errorf("%d were handled in all", len(began))
		}
		if len(h.rooms)+len(h.users) > 0 {
			t.Errorf("kept are %v and %v", h.rooms, h.users)
		}
	})
}

// However many users invite people, and however much waits for that: what is kept has a bound, and beyond it the homeserver waits.
func TestInvitationsByManyUsersHaveABound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name                              string
		users, each                       int
		handled, waiting, dropped, inline int
	}{
		"many users":                    {"@user", 2 * maxInviters, 1, maxInviters, 0, 0, maxInviters},
		"many invitations by each user": {"@user", maxInviters, maxInvitations, maxInviters + maxAside, maxAside, maxInviters*(maxInvitations-1) - maxAside, 0},
		"many who are refused":          {"@refused", 3 * maxInvitations, 1, 1 + maxInvitations, maxInvitations, 2*maxInvitations - 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var h handledAside
				aside, inline := 0, 0
				for n := range test.each {
					for user := range test.users {
						if h.take(fmt.Sprint(test.name, user), fmt.Sprint("!", user, "-", n), fmt.Sprint("$", user, "-", n), true) {
							aside++
						} else {
							inline++
						}
					}
				}
				if aside-h.dropped != test.handled || h.waiting != test.waiting || h.dropped != test.dropped || inline != test.inline {
					t.Errorf("%d are taken aside, %d wait, %d are dropped, %d are handled as they come", aside, h.waiting, h.dropped, inline)
				}
				for _, gate := range h.gates {
					close(gate)
				}
				if began := h.began(); len(began) != test.handled || h.waiting != 0 || len(h.rooms)+len(h.users) > 0 {
					t.Errorf("%d were handled, %d wait, kept are %v and %v", len(began), h.waiting, h.rooms, h.users)
				}
			})
		})
	}
}
