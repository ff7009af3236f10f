package media

import "matrix-msn/msn/chat"

// line is a session that carries packets, as far as Media needs it: a chat.Pipe.
type line interface {
	Pump()
	Conversation() *chat.Conversation
	Others(account string) []string
	Endpoints(account string) []string
}

// talks are the conversations of an account, as far as Media needs them.
type talks interface {
	// open opens a session with a contact, or takes the one that is there.
	open(account string, done func(line, error))
	PackedInk(d chat.Data, packed string)
	NextRelayed() (session string, seq int)
}

// conversations are chat.Chats as talks.
type conversations struct{ *chat.Chats }

func (c conversations) open(account string, done func(line, error)) {
	c.Pipe(account, func(over *chat.Pipe, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(over, nil)
	})
}

// packets is a Media as chat.Packets.
type packets struct{ *Media }

func (p packets) Receive(d chat.Data, from *chat.Pipe) (<-chan struct{}, bool) {
	return p.receive(d, from)
}
func (p packets) Next(over *chat.Pipe) (string, bool) { return p.next(over) }
func (p packets) Busy(over *chat.Pipe) bool           { return p.busy(over) }
func (p packets) Left(over *chat.Pipe, account, endpoint string) {
	p.left(over, account, endpoint)
}
func (p packets) Ended(over *chat.Pipe, err error) { p.ended(over, err) }
