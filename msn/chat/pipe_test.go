package chat

import (
	"slices"
	"testing"

	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
)

// told is Packets that note what they are told.
type told struct{ said []string }

func (*told) Receive(Data, *Pipe) (<-chan struct{}, bool) { return nil, true }
func (*told) Next(*Pipe) (string, bool)                   { return "", false }
func (*told) Busy(*Pipe) bool                             { return false }
func (p *told) Left(_ *Pipe, account, endpoint string) {
	p.said = append(p.said, account+" left "+endpoint)
}
func (p *told) Ended(*Pipe, error) { p.said = append(p.said, "ended") }

// nobody is a contact list with nobody on it.
type nobody struct{}

func (nobody) Find(string) (roster.Contact, bool) { return roster.Contact{}, false }
func (nobody) EndpointCount(string) int           { return 0 }

// What packets are told of who leaves: of each endpoint, of the account, and of the end, each once.
func TestPacketsAreToldWhoLeaves(t *testing.T) {
	const one, two = "{00000000-0000-4000-8000-000000000001}", "{00000000-0000-4000-8000-000000000002}"
	packets := new(told)
	conn := nstest.New(t, 18, func(conn *ns.Conn) {
		c := New(conn, nobody{}, Config{})
		c.CarryPackets(packets)
		s := c.addSession(c.Conversation(ID{Contact: "bob@example.com"}), false)
		s.state = sessionOpen
		for _, place := range []string{";" + one, ";" + two, ""} {
			s.joined("bob@example.com"+place, "Bob")
		}
		s.thePipe()
		for _, place := range []string{";" + one, ";" + two, ""} {
			s.left("bob@example.com"+place, false)
		}
	})
	conn.Query(func() {
		want := []string{"bob@example.com left " + one, "bob@example.com left ", "ended"}
		if !slices.Equal(packets.said, want) {
			t.Errorf("told %q and not %q", packets.said, want)
		}
	})
}
