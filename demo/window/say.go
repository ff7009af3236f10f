package window

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"matrix-msn/msn"
)

// Say has the account say something to somebody, as if it had been written in a page by whoever plays it, and returns
// when the server has acknowledged it. The errors are those of msn.Conversation.SendText; the page shows them in words.
func (w *Window) Say(ctx context.Context, to, text string) error {
	_, wait := w.say(ctx, personKey+to, text)
	return wait()
}

// SendFile has the account send a file to somebody, and returns when they have it. Data, 16 MiB at most to be shown for
// long, is not changed any more. The errors are those of msn.Client.SendFile.
func (w *Window) SendFile(ctx context.Context, to, name string, data []byte) error {
	_, send := w.sendFile(personKey+to, name, data)
	return send(ctx)
}

// Show shows the account its own display picture, which whoever calls this has set.
func (w *Window) Show(picture []byte) {
	path := w.pictures.put("", picture).path()
	w.state.setSelf(func(me *Self) { me.Picture = path })
}

// say shows a text and sends it. wait must be called, once.
func (w *Window) say(ctx context.Context, key, text string) (id uint64, wait func() error) {
	// What stands behind another text in the pages is sent behind it.
	w.sending.Lock()
	id = w.state.add(talkTo(key), w.mine(Message{Kind: kindText, Parts: partsOf(text, nil), State: stateUnderWay}))
	sent := w.friend.line(key).StartText(ctx, text, "")
	w.sending.Unlock()
	return id, func() error { return w.settle(id, sent()) }
}

// nudge shows a nudge; send sends it.
func (w *Window) nudge(key string) (id uint64, send func(context.Context) error) {
	id = w.state.add(talkTo(key), w.mine(Message{Kind: kindNudge, State: stateUnderWay}))
	return id, func(ctx context.Context) error { return w.settle(id, w.friend.line(key).SendNudge(ctx)) }
}

// sendFile shows a file; send sends it.
func (w *Window) sendFile(key, name string, data []byte) (id uint64, send func(context.Context) error) {
	m := w.fileMessage(name, data)
	m.State = stateUnderWay
	id = w.state.add(talkTo(key), w.mine(m))
	return id, func(ctx context.Context) error {
		to := strings.TrimPrefix(key, personKey)
		file := msn.File{Name: m.File.Name, Size: uint64(len(data))}
		return w.settle(id, w.friend.SendFile(ctx, to, file, bytes.NewReader(data), nil))
	}
}

func talkTo(key string) Talk { return Talk{Key: key, Group: strings.HasPrefix(key, groupKey)} }

// mine fills in who says something.
func (w *Window) mine(m Message) Message {
	me := w.state.self()
	m.Mine, m.From, m.Name = true, me.Account, me.Name
	return m
}

// settle shows what became of something that was sent.
func (w *Window) settle(id uint64, err error) error {
	w.state.change(id, func(m *Message) {
		if m.State = stateDone; err != nil {
			m.State, m.Problem = stateFailed, words(err)
		}
	})
	return err
}

// words says why something did not go out, or come.
func words(err error) string {
	for _, known := range []struct {
		err   error
		words string
	}{
		{msn.ErrUncertain, "The connection ended before anybody confirmed it: it may have arrived. Ask before you send it again."},
		{msn.ErrOffline, "They are offline, or do not let you through. Send it again when they are online."},
		{msn.ErrBlocked, "They block you."},
		{msn.ErrNoAnswer, "They do not answer. Send it again later."},
		{msn.ErrHidden, "You appear offline. Choose another status, then send it again."},
		{msn.ErrTooFast, "That was too fast. Wait some seconds, then send it again."},
		{msn.ErrTooLong, "The text is too long. Send it in parts."},
		{msn.ErrTooMany, "Too many texts wait already. Wait until they are out."},
		{msn.ErrEmpty, "There is nothing to send. Write something."},
		{msn.ErrDeclined, "They do not want it."},
		{msn.ErrCancelled, "They have ended it."},
		{msn.ErrSilent, "They have not answered in time. Send it again later."},
		{msn.ErrGone, "They have left. Send it again when they are back."},
		{msn.ErrBlocks, "You block them."},
		{msn.ErrManyFiles, "Too many files are on their way. Wait until they have arrived."},
		{msn.ErrTimeout, "The server did not answer in time. Send it again."},
		{msn.ErrClosed, "You are signed out. Start the demo again."},
		{msn.ErrNotConnected, "You are signed out. Start the demo again."},
		{context.Canceled, "The demo ends."},
	} {
		if errors.Is(err, known.err) {
			return known.words
		}
	}
	return "It failed. Send it again. What the server said: " + err.Error()
}
