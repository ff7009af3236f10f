package window

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn"
)

// Hear shows what the account's client tells. It is called with one event after the other, in their order, by one
// goroutine, and does not wait.
func (w *Window) Hear(event msn.Event) {
	switch e := event.(type) {
	case msn.PresenceChanged:
		w.sawContact(e.Contact)
	case msn.PersonalMessageChanged:
		w.sawContact(e.Contact)
	case msn.ContactChanged:
		w.sawContact(e.Contact)
	case msn.NameChanged:
		w.state.setSelf(func(me *Self) { me.Name = e.Name })
	case msn.TextReceived:
		w.heardText(e)
	case msn.OfflineReceived:
		w.state.add(Talk{Key: personKey + e.From, Name: e.FromName}, Message{
			Kind: kindText, From: e.From, Name: w.called(e.From, e.FromName), Parts: partsOf(e.Text, nil), At: e.At.UnixMilli(),
		})
	case msn.TypingReceived:
		if key := keyOf(e.Conversation, e.From); key != "" && w.state.knows(key) {
			w.state.types(typing{Talk: key, From: e.From, Name: w.called(e.From, ""), At: time.Now().UnixMilli()})
		}
	case msn.NudgeReceived:
		w.heardThing(e.Origin, Message{Kind: kindNudge})
	case msn.ActionReceived:
		w.heardThing(e.Origin, note("%s", e.Text))
	case msn.WinkReceived:
		w.heardThing(e.Origin, note("%s sent a wink, which this page does not play.", w.called(e.From, e.FromName)))
	case msn.InkReceived:
		w.heardInk(e)
	case msn.VoiceClipReceived:
		w.heardVoice(e)
	case msn.FileOffered:
		w.heardFile(e)
	case msn.InvitationReceived:
		w.heardThing(e.Origin, note("%s offered something that this page cannot do: %s.", w.called(e.From, e.FromName), e.Offer))
	case msn.BecameGroup:
		w.state.add(talkOf(e.Conversation, e.Account, ""), note("%s has come into the conversation.", w.called(e.Account, "")))
	case msn.ParticipantJoined:
		w.cameOrWent(e.Conversation, e.Account, e.Name, "has come into the conversation.")
	case msn.ParticipantLeft:
		w.cameOrWent(e.Conversation, e.Account, "", "has left the conversation.")
	case msn.Disconnected:
		w.state.setSelf(func(me *Self) { me.SignedIn, me.Status = false, "offline" })
	}
}

// note is a message of what happened.
func note(format string, args ...any) Message {
	return Message{Kind: kindNote, Parts: []Part{{Text: fmt.Sprintf(format, args...)}}}
}

// talkOf is a conversation as pages show it. from is somebody in it, name what they call themselves.
func talkOf(cv *msn.Conversation, from, name string) Talk {
	t := Talk{Key: keyOf(cv, from)}
	if t.Group = strings.HasPrefix(t.Key, groupKey); t.Group {
		t.Members = slices.Clone(cv.Members())
	} else {
		t.Name = name
	}
	return t
}

// called is what somebody is called: by the contact list, else by themselves.
func (w *Window) called(account, name string) string {
	if known := w.state.name(account); known != account {
		return known
	}
	return cmp.Or(name, account)
}

// heardThing shows a message from somebody, and returns its ID, 0 where it is not shown.
func (w *Window) heardThing(o msn.Origin, m Message) uint64 {
	t := talkOf(o.Conversation, o.From, o.FromName)
	if t.Key == "" {
		return 0
	}
	m.From, m.Name = o.From, w.called(o.From, o.FromName)
	return w.state.add(t, m)
}

// heardText shows a text, and then what stands in it.
func (w *Window) heardText(e msn.TextReceived) {
	pictures := make(map[string]string)
	id := w.heardThing(msn.Origin{Conversation: e.Conversation, From: e.From, FromName: e.FromName}, Message{Kind: kindText, Parts: partsOf(e.Text, nil)})
	if id == 0 {
		return
	}
	for _, emoticon := range e.Emoticons {
		if !strings.Contains(e.Text, emoticon.Shortcut) || emoticon.Object.Size > maxPicture {
			continue
		}
		w.fetch(e.From, emoticon.Object, func(path string, err error) {
			if err != nil {
				return // the text says what stands for it
			}
			w.state.change(id, func(m *Message) {
				pictures[emoticon.Shortcut] = path // under the lock of the state, as all of this text are
				m.Parts = partsOf(e.Text, pictures)
			})
		})
	}
}

// heardInk shows handwriting that comes as a picture.
func (w *Window) heardInk(e msn.InkReceived) {
	name := w.called(e.From, e.FromName)
	if e.Picture == "" || len(e.Picture) > maxPicture {
		w.heardThing(e.Origin, note("%s wrote by hand, which this page cannot show.", name))
		return
	}
	w.heardThing(e.Origin, w.fileMessage("handwriting.gif", []byte(e.Picture)))
}

// fileMessage is a message of a file that is there.
func (w *Window) fileMessage(name string, data []byte) Message {
	t := w.files.put(fileName(name), data)
	return Message{Kind: kindFile, State: stateDone, File: &File{Name: t.name, Bytes: uint64(len(data)), Show: t.show, Path: t.path()}}
}

// heardVoice asks for a recording.
func (w *Window) heardVoice(e msn.VoiceClipReceived) {
	if e.Object.Size == 0 || e.Object.Size > maxFile {
		w.heardThing(e.Origin, note("%s sent a voice clip that cannot be had.", w.called(e.From, e.FromName)))
		return
	}
	w.comes(e.Origin, "voice clip.wav", e.Object.Size, func(b *box) error { return w.friend.Fetch(w.ctx, e.From, e.Object, b, nil) }, func() {})
}

// heardFile takes a file, unless it is too large or too many come.
func (w *Window) heardFile(e msn.FileOffered) {
	if e.Bytes > maxFile {
		e.Offer.Decline()
		w.heardThing(e.Origin, note("%s offered %s, which is larger than this page takes (%d MB). It was declined.",
			w.called(e.From, e.FromName), fileName(e.Name), maxFile>>20))
		return
	}
	w.comes(e.Origin, e.Name, e.Bytes, func(b *box) error { return e.Offer.Accept(w.ctx, b, nil) }, e.Offer.Decline)
}

// comes shows something that comes by receive, beside everything else. Where there is no place for it, decline is called.
func (w *Window) comes(o msn.Origin, name string, size uint64, receive func(*box) error, decline func()) {
	name = fileName(name)
	if !take(w.transfers) {
		decline()
		w.heardThing(o, note("%s offered %s while %d other files were on their way. It was declined.", w.called(o.From, o.FromName), name, maxFiles))
		return
	}
	id := w.heardThing(o, Message{Kind: kindFile, State: stateUnderWay, File: &File{Name: name, Bytes: size, Show: showFile}})
	ok := id != 0 && w.begin(func() {
		defer give(w.transfers)
		b := box{most: int(size)}
		err := receive(&b)
		w.state.change(id, func(m *Message) {
			if err != nil {
				m.State, m.Problem = stateFailed, "The file did not arrive: "+words(err)
				return
			}
			done := w.fileMessage(name, b.data)
			m.State, m.File = done.State, done.File
		})
	})
	if !ok {
		give(w.transfers)
		decline()
	}
}

// cameOrWent tells of people in a group chat.
func (w *Window) cameOrWent(cv *msn.Conversation, account, name, what string) {
	if t := talkOf(cv, account, name); t.Group {
		w.state.add(t, note("%s %s", w.called(account, name), what))
	}
}
