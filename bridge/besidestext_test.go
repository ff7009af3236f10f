package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// sends has somebody send an event into a room, as the homeserver pushes it.
func (b *testBridge) sends(sender id.UserID, room id.RoomID, kind string, content map[string]any) id.EventID {
	b.Helper()
	b.events++
	evt := id.EventID(fmt.Sprintf("$sent%d", b.events))
	b.push(&framework{}, string(evt), pushed{
		"event_id": evt, "room_id": room, "type": kind, "sender": sender, "origin_server_ts": time.Now().UnixMilli(), "content": content,
	})
	return evt
}

// What is no text reaches the contact in words, where it can be said in words.
func TestWhatIsNoTextArrivesInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	poll := func(question string) map[string]any {
		return map[string]any{
			"question": map[string]any{"org.matrix.msc1767.text": question},
			"answers":  []any{map[string]any{"id": "1", "org.matrix.msc1767.text": "Yes"}, map[string]any{"id": "2", "org.matrix.msc1767.text": "No"}},
		}
	}
	replaces := func(evt id.EventID) map[string]any { return map[string]any{"rel_type": "m.replace", "event_id": evt} }
	const osm = "https://www.openstreetmap.org/?mlat=50.08742&mlon=14.42045#map=16/50.08742/14.42045"
	asked := b.sends(fakeUser, room, "org.matrix.msc3381.poll.start", map[string]any{"org.matrix.msc3381.poll.start": poll("Pizza?")})
	b.receive(texts, alice+": 📊 Pizza?\r\n1. Yes\r\n2. No")
	again := b.sends(fakeUser, room, "m.poll.start", map[string]any{"m.poll": poll("Pasta?")})
	b.receive(texts, alice+": 📊 Pasta?\r\n1. Yes\r\n2. No")
	b.matrix.keep(&event.Event{Type: event.EventUnstablePollStart, ID: asked, RoomID: room, Sender: fakeUser, Content: event.Content{
		Raw: map[string]any{"org.matrix.msc3381.poll.start": poll("Pizza?")},
	}})
	b.replyTo(room, asked, "yes")
	b.receive(texts, alice+": > Alice: 📊 Pizza? 1. Yes 2. No\r\nyes")
	for _, test := range []struct {
		kind    string
		content map[string]any
		want    string
	}{
		{"org.matrix.msc3381.poll.start", map[string]any{"m.relates_to": replaces(asked), "m.new_content": map[string]any{"org.matrix.msc3381.poll.start": poll("Sushi?")}, "org.matrix.msc3381.poll.start": poll("Sushi?")}, "* 📊 Sushi?\r\n1. Yes\r\n2. No"},
		{"m.poll.start", map[string]any{"m.relates_to": replaces(again), "m.new_content": map[string]any{"m.poll": poll("Rice?")}}, "* 📊 Rice?\r\n1. Yes\r\n2. No"},
		{"org.matrix.msc3381.poll.end", map[string]any{"org.matrix.msc3381.poll.end": map[string]any{}, "org.matrix.msc1767.text": "The poll has ended."}, "📊 The poll has ended."},
		{"m.room.message", map[string]any{"msgtype": "m.location", "body": "Old Town Square", "geo_uri": "geo:50.087421,14.420449"}, "📍 Old Town Square\r\n50.08742, 14.42045\r\n" + osm},
		{"m.sticker", map[string]any{"body": "thumbs up", "url": "mxc://x/y", "info": map[string]any{"mimetype": "image/png"}}, "[sticker: thumbs up]"},
		{"m.room.message", map[string]any{"msgtype": "m.notice", "body": "from my own script"}, "from my own script"},
		{"m.room.message", map[string]any{"msgtype": "nic.custom.confetti", "body": "hooray"}, "hooray"},
	} {
		from := b.matrix.position()
		b.sends(fakeUser, room, test.kind, test.content)
		b.receive(texts, alice+": "+test.want)
		if told, _ := b.waitStatus(from); told.status != event.MessageStatusSuccess {
			t.Errorf("of %s is told %+v", test.kind, told)
		}
	}
}

// Of a picture with words under it the words go to the contact, and the room is told that the
// picture did not.
func TestWordsUnderAPictureArrive(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	evt := b.sends(fakeUser, room, "m.room.message", map[string]any{
		"msgtype": "m.image", "body": "my cat", "filename": "cat.png", "url": "mxc://x/y", "info": map[string]any{"mimetype": "image/png"},
	})
	b.receive(texts, alice+": my cat")
	if told, _ := b.waitMessage(from, "only your words under it go to MSN"); told.answer != evt || told.room != room || told.msg != event.MsgNotice {
		t.Errorf("told %+v", told)
	}
	from = b.matrix.position()
	b.sends(fakeUser, room, "m.room.message", map[string]any{
		"msgtype": "m.image", "body": "* my dog", "m.relates_to": map[string]any{"rel_type": "m.replace", "event_id": evt},
		"m.new_content": map[string]any{"msgtype": "m.image", "body": "my dog", "filename": "cat.png", "url": "mxc://x/y"},
	})
	b.receive(texts, alice+": * my dog")
	b.waitStatus(from)
	if again := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "only your words under it go to MSN") }); len(again) != 1 {
		t.Errorf("it is told %d times", len(again))
	}
}

// What cannot be carried is refused in words that name MSN and say what to do.
func TestWhatMSNDoesNotHaveIsRefusedInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	asked := b.sends(fakeUser, room, "org.matrix.msc3381.poll.start", map[string]any{"org.matrix.msc3381.poll.start": map[string]any{"question": map[string]any{"body": "Pizza?"}}})
	b.receive(texts, alice+": 📊 Pizza?")
	b.waitStatus(0)
	vote := map[string]any{"m.relates_to": map[string]any{"rel_type": "m.reference", "event_id": asked}, "org.matrix.msc3381.poll.response": map[string]any{"answers": []string{"1"}}}
	for _, test := range []struct {
		kind    string
		content map[string]any
		want    string
	}{
		{"m.call.invite", map[string]any{"call_id": "1", "version": "1"}, "no calls to MSN"},
		{"m.rtc.notification", map[string]any{"notification_type": "ring"}, "no calls to MSN"},
		{"org.matrix.msc4075.rtc.notification", map[string]any{"notification_type": "ring"}, "no calls to MSN"},
		{"org.matrix.msc3381.poll.response", vote, "MSN has no votes"},
		{"m.poll.response", vote, "MSN has no votes"},
		{"m.room.message", map[string]any{"msgtype": "m.key.verification.request", "body": "wants to verify", "to": "@bob:x"}, "people on MSN have no keys"},
		{"m.room.message", map[string]any{"msgtype": "org.example.unknown"}, "MSN has nothing of this kind"},
	} {
		from := b.matrix.position()
		evt := b.sends(fakeUser, room, test.kind, test.content)
		told, _ := b.waitStatus(from)
		if told.status != event.MessageStatusFail || !strings.Contains(told.html, test.want) || told.answer != evt {
			t.Errorf("of %s is told %+v", test.kind, told)
		}
		b.eventually("its end", func() bool { return b.finished(evt) })
	}
	b.write(room, "that was all")
	b.receive(texts, alice+": that was all")
}

// What others do in a room, such as programs, is neither carried nor answered.
func TestWhatProgramsSendIsNotCarried(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	const program = id.UserID("@program:example.test")
	for _, evt := range []id.EventID{
		b.sends(program, room, "m.room.message", map[string]any{"msgtype": "m.notice", "body": "beep"}),
		b.sends(program, room, "m.call.invite", map[string]any{"call_id": "1", "version": "1"}),
		b.sends(program, room, "m.poll.start", map[string]any{"m.poll": map[string]any{"question": map[string]any{"body": "beep?"}}}),
	} {
		b.eventually("its end", func() bool { return b.finished(evt) })
	}
	b.write(room, "hello")
	b.receive(texts, alice+": hello")
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" || r.kind == "status" && r.html != "" }) {
		t.Errorf("told %+v", r)
	}
}

// A live location is refused when it begins, once, and not when it ends.
func TestLiveLocationIsRefusedInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	live := func(evt id.EventID, content map[string]any) {
		key := string(fakeUser)
		b.conn.LiveLocation(b.ctx, &event.Event{
			Type: event.Type{Type: "org.matrix.msc3672.beacon_info", Class: event.StateEventType}, StateKey: &key, ID: evt, RoomID: room, Sender: fakeUser,
			Timestamp: time.Now().UnixMilli(), Content: event.Content{Raw: content, Parsed: &event.MessageEventContent{}},
		})
	}
	live("$begins", map[string]any{"live": true, "timeout": 900000})
	if told, _ := b.waitStatus(0); told.answer != "$begins" || !strings.Contains(told.html, "nobody on MSN can follow where you are") {
		t.Errorf("told %+v", told)
	}
	from := b.matrix.position()
	live("$ends", map[string]any{"live": false})
	live("$nonsense", map[string]any{"live": "yes"})
	b.write(room, "here I am")
	b.receive(texts, alice+": here I am")
	if told, _ := b.waitStatus(from); told.answer == "$ends" || told.answer == "$nonsense" {
		t.Errorf("told %+v", told)
	}
}
