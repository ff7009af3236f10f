package bridge

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/icon"
)

// fakeMatrix is the Matrix side in memory: rooms with what was sent to them, and
// a way to wait for it. Methods that the bridge does not use are left out: they
// would panic.
type fakeMatrix struct {
	leaves func(*bridgev2.MessageStatus, *bridgev2.MessageStatusEventInfo) bool // as the program's own connector asks before it tells
	bridgev2.MatrixConnector
	mu       sync.Mutex
	lastID   int                   // of the rooms and events that were made
	taken    map[string]id.EventID // by the transaction ID of an event
	changed  chan struct{}         // closed and replaced with every record
	records  []record
	rooms    map[id.RoomID]map[id.UserID]event.Membership
	names    map[id.UserID]string
	keeps    atomic.Bool      // nobody may remove messages
	failSend error            // what SendMessage and Answers answer while it is not nil
	failRead error            // what Event answers, unless nil
	reading  func(id.EventID) // is called before Event answers, unless nil
	failOnce bool             // failSend goes with the message that it fails
	maxBody  int              // longer texts are refused, unless 0
	hang     chan struct{}    // names and typing notes wait for it, unless nil
	// unpushed returns what is in a room behind an event. Nothing is, while it is nil.
	unpushed func(room id.RoomID, behind id.EventID) ([]*event.Event, error)
	making   func() error                           // is asked before a room is made, unless nil
	naming   func(context.Context, id.UserID) error // is called before somebody is named
	noInvite error                                  // what inviting somebody answers
	sending  func(room id.RoomID, text string)      // is called before a text is sent, unless nil
	inviting func(id.RoomID)                        // is called before the user is made a member, unless nil
	looking  func(id.RoomID)                        // is called when it was looked whether the user is one, unless nil
	noMember error                                  // what asking for the members of a room answers
	asked    map[id.RoomID]int                      // how often members were asked for
	saying   func()                                 // is called before it is said how somebody is called, unless nil
	noName   error                                  // what asking how somebody is called answers
	stating  func(id.RoomID, string) error          // is asked before a state of a room is set, with its key, unless nil
	uploads  [][]byte
	icons    []string // those that were uploaded
	// slowUpload is what uploads of pictures wait for, unless nil.
	slowUpload chan struct{}
	avatars    map[id.UserID]id.ContentURIString
	media      map[id.ContentURIString][]byte   // of users
	spaces     map[id.RoomID]map[id.RoomID]bool // what is in them, and what no more
	called     map[id.RoomID]string             // names of rooms
	topics     map[id.RoomID]string
	births     map[id.RoomID]*mautrix.ReqCreateRoom
	states     map[id.RoomID][]event.Type                   // that were set when a room was there, but for members
	levels     map[id.RoomID]*event.PowerLevelsEventContent // where they are others than of most rooms
	shown      shownGhosts                                  // who is online
	secret     map[id.RoomID]bool                           // rooms that are encrypted
	profiles   shownGhosts                                  // the status in profiles
	written    map[id.EventID]*event.Event                  // by users, as far as a test has it kept
	public     string                                       // public address of the bridge, or ""
	links      bool                                         // files are given away by links
	files      map[id.ContentURIString][]byte               // what users have uploaded
	encrypts   bool                                         // files for rooms are encrypted
	noUpload   error                                        // what uploading a file answers
	streams    []streamed                                   // files that the bridge has uploaded
	loading    func()                                       // is called before a file is downloaded, unless nil
	router     *http.ServeMux                               // of the bridge
}

// record is one thing that the bridge did on the Matrix side.
type record struct {
	ctx    context.Context // with which a status is sent, which the framework does beside what comes next
	kind   string          // "message", "status", "state", "typing", "room", "name", "member"
	id     id.EventID      // of a message
	room   id.RoomID
	sender id.UserID
	body   string // text, sentence of a status, state event, room name, membership and its reason
	html   string
	msg    event.MessageType
	status event.MessageStatus
	full   bridgev2.MessageStatus
	bridge status.BridgeState
	raw    map[string]any // what a message has besides
	calls  []id.UserID    // whom it mentions
	answer id.EventID     // what it answers, or is the status of
	edits  id.EventID     // what it replaces
	url    id.ContentURIString
	info   *event.FileInfo // of a file
	file   *event.EncryptedFileInfo
	voice  bool // it is a voice message
}

func newFakeMatrix() *fakeMatrix {
	return &fakeMatrix{
		spaces: make(map[id.RoomID]map[id.RoomID]bool), called: make(map[id.RoomID]string), topics: make(map[id.RoomID]string),
		births: make(map[id.RoomID]*mautrix.ReqCreateRoom), states: make(map[id.RoomID][]event.Type),
		changed: make(chan struct{}),
		rooms:   make(map[id.RoomID]map[id.UserID]event.Membership),
		names:   make(map[id.UserID]string),
		asked:   make(map[id.RoomID]int),
		taken:   make(map[string]id.EventID),
		written: make(map[id.EventID]*event.Event),
		files:   make(map[id.ContentURIString][]byte),
		router:  http.NewServeMux(),
	}
}

var _ bridgev2.MatrixConnectorWithServer = (*fakeMatrix)(nil)

func (f *fakeMatrix) GetPublicAddress() string  { return f.public }
func (f *fakeMatrix) GetRouter() *http.ServeMux { return f.router }

func (f *fakeMatrix) add(r record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
	close(f.changed)
	f.changed = make(chan struct{})
}

// waitLimit is how long a test waits for something that should happen at once. On a machine with much else to do that can take its
// time: a picture is asked for once more after half a minute.
const waitLimit = time.Minute

// wait returns the first record from position on that match accepts, and the
// position behind it.
func (f *fakeMatrix) wait(t *testing.T, from int, what string, match func(record) bool) (record, int) {
	t.Helper()
	timeout := time.NewTimer(waitLimit)
	defer timeout.Stop()
	for {
		f.mu.Lock()
		for i := from; i < len(f.records); i++ {
			if match(f.records[i]) {
				r := f.records[i]
				f.mu.Unlock()
				return r, i + 1
			}
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-timeout.C:
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("waited in vain for %s; Matrix saw %+v", what, f.records[min(from, len(f.records)):])
		}
	}
}

func (f *fakeMatrix) all(match func(record) bool) (found []record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		if match(r) {
			found = append(found, r)
		}
	}
	return found
}

func (f *fakeMatrix) position() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.records)
}

// Find implements room.Homeserver.
func (f *fakeMatrix) Find(_ context.Context, room id.RoomID, field, text string, _ time.Time) (*event.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failSend != nil {
		return nil, f.failSend
	}
	for _, r := range f.records {
		if value, ok := r.raw[field].(string); ok && r.room == room && value == text {
			return &event.Event{ID: r.id, Sender: r.sender}, nil
		}
	}
	return nil, nil
}

// Since implements room.Homeserver: it answers with what unpushed has.
func (f *fakeMatrix) Since(ctx context.Context, _ id.UserID, room id.RoomID, evt id.EventID) ([]*event.Event, error) {
	f.waitWhileHanging(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unpushed == nil {
		return nil, ctx.Err()
	}
	return f.unpushed(room, evt)
}

// Event implements room.Homeserver.
func (f *fakeMatrix) Event(ctx context.Context, room id.RoomID, evt id.EventID) (*event.Event, error) {
	f.waitWhileHanging(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading != nil {
		f.reading(evt)
	}
	if fail := cmp.Or(ctx.Err(), f.failSend, f.failRead); fail != nil {
		return nil, fail
	}
	if known := f.written[evt]; known != nil && known.RoomID == room {
		return known, nil
	}
	for _, r := range f.records {
		if r.kind == "message" && r.room == room && r.id == evt {
			return &event.Event{Type: event.EventMessage, ID: r.id, Sender: r.sender, RoomID: room, Content: event.Content{
				Parsed: &event.MessageEventContent{MsgType: r.msg, Body: r.body},
			}}, nil
		}
	}
	return nil, mautrix.MNotFound
}

// failEvents has nobody learn what was written.
func (f *fakeMatrix) failEvents(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failRead = err
}

// keep has the homeserver know an event that a user has written.
func (f *fakeMatrix) keep(evt *event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.written[evt.ID] = evt
}

// DisplayName implements room.Homeserver.
func (f *fakeMatrix) DisplayName(_ context.Context, user id.UserID) (string, error) {
	f.mu.Lock()
	saying := f.saying
	f.mu.Unlock()
	if saying != nil {
		saying()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.names[user], cmp.Or(f.noName, f.failSend)
}

// Avatar implements room.Homeserver.
func (f *fakeMatrix) Avatar(_ context.Context, user id.UserID) (id.ContentURIString, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.avatars[user], cmp.Or(f.noName, f.failSend)
}

// failNames has nobody learn how somebody is called.
func (f *fakeMatrix) failNames(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noName = err
}

// beforeNameIsSaid has something done before it is said how somebody is called.
func (f *fakeMatrix) beforeNameIsSaid(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saying = do
}

// call gives somebody a name in their profile.
func (f *fakeMatrix) call(user id.UserID, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names[user] = name
}

// Answers implements room.Homeserver.
func (f *fakeMatrix) Answers(ctx context.Context) error {
	f.waitWhileHanging(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failSend
}

func (f *fakeMatrix) failSending(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failSend = err
}

const (
	fakeServer = "example.test"
	fakeBot    = id.UserID("@msnbot:" + fakeServer)
	fakeUser   = id.UserID("@alice:" + fakeServer)
)

func (f *fakeMatrix) Init(*bridgev2.Bridge)       {}
func (f *fakeMatrix) Start(context.Context) error { return nil }
func (f *fakeMatrix) PreStop()                    {}
func (f *fakeMatrix) Stop()                       {}
func (f *fakeMatrix) ServerName() string          { return fakeServer }

func (f *fakeMatrix) GetCapabilities() *bridgev2.MatrixCapabilities {
	return &bridgev2.MatrixCapabilities{}
}

func (f *fakeMatrix) ParseGhostMXID(user id.UserID) (networkid.UserID, bool) {
	local, ok := strings.CutPrefix(user.Localpart(), "msn_")
	if !ok {
		return "", false
	}
	decoded, err := id.DecodeUserLocalpart(local)
	return networkid.UserID(decoded), err == nil
}

func (f *fakeMatrix) FormatGhostMXID(user networkid.UserID) id.UserID {
	return id.NewUserID("msn_"+id.EncodeUserLocalpart(string(user)), fakeServer)
}

func (f *fakeMatrix) GhostIntent(user networkid.UserID) bridgev2.MatrixAPI {
	return &fakeIntent{f: f, user: f.FormatGhostMXID(user)}
}

func (f *fakeMatrix) BotIntent() bridgev2.MatrixAPI { return &fakeIntent{f: f, user: fakeBot} }

func (f *fakeMatrix) NewUserIntent(context.Context, id.UserID, string) (bridgev2.MatrixAPI, string, error) {
	return nil, "", nil
}

func (f *fakeMatrix) SendBridgeStatus(_ context.Context, state *status.BridgeState) error {
	f.add(record{kind: "state", bridge: *state, body: string(state.StateEvent)})
	return nil
}

func (f *fakeMatrix) SendMessageStatus(ctx context.Context, ms *bridgev2.MessageStatus, evt *bridgev2.MessageStatusEventInfo) {
	f.mu.Lock()
	leaves := f.leaves
	f.mu.Unlock()
	if leaves != nil && leaves(ms, evt) {
		return
	}
	r := record{kind: "status", room: evt.RoomID, status: ms.Status, body: ms.Message, answer: evt.SourceEventID, full: *ms, ctx: ctx}
	if ms.SendNotice {
		r.html = ms.ToNoticeEvent(evt).Body
	}
	if ms.InternalError != nil && r.body == "" {
		r.body = ms.InternalError.Error()
	}
	f.add(r)
}

func (f *fakeMatrix) GetPowerLevels(_ context.Context, room id.RoomID) (*event.PowerLevelsEventContent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if levels := f.levels[room]; levels != nil {
		return levels, nil
	}
	return &event.PowerLevelsEventContent{Users: map[id.UserID]int{fakeUser: 100}}, nil
}

// GetStateEvent finds which rooms are encrypted, and nothing else.
func (f *fakeMatrix) GetStateEvent(_ context.Context, room id.RoomID, kind event.Type, _ string) (*event.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == event.StateEncryption && f.secret[room] {
		return &event.Event{Type: kind, RoomID: room, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}, nil
	}
	return nil, nil
}

func (f *fakeMatrix) GetMembers(_ context.Context, room id.RoomID) (map[id.UserID]*event.MemberEventContent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked[room]++; f.noMember != nil {
		return nil, f.noMember
	}
	return f.members(room), nil
}

// askedFor returns how often the members of a room were asked for since it was called last.
func (f *fakeMatrix) askedFor(room id.RoomID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked[room]
	f.asked[room] = 0
	return n
}

// failMembers has nobody learn who is in a room.
func (f *fakeMatrix) failMembers(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noMember = err
}

// members returns who is in a room. mu is held.
func (f *fakeMatrix) members(room id.RoomID) map[id.UserID]*event.MemberEventContent {
	members := make(map[id.UserID]*event.MemberEventContent)
	for user, membership := range f.rooms[room] {
		members[user] = &event.MemberEventContent{Membership: membership, Displayname: f.names[user]}
	}
	return members
}

func (f *fakeMatrix) GetMemberInfo(_ context.Context, room id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	f.mu.Lock()
	member, looking := f.members(room)[user], f.looking
	f.mu.Unlock()
	if user == fakeUser && looking != nil {
		looking(room)
	}
	return member, nil
}

// IsConfusableName implements bridgev2.MatrixConnectorWithNameDisambiguation.
func (f *fakeMatrix) IsConfusableName(_ context.Context, room id.RoomID, user id.UserID, name string) (others []id.UserID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for other, member := range f.members(room) {
		if other != user && strings.EqualFold(member.Displayname, name) {
			others = append(others, other)
		}
	}
	return others, nil
}

// aroundInvites has something done before the user is made a member of a room, and when it was
// looked whether they are one.
func (f *fakeMatrix) aroundInvites(inviting, looking func(id.RoomID)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inviting, f.looking = inviting, looking
}

func (f *fakeMatrix) GenerateDeterministicRoomID(key networkid.PortalKey) id.RoomID {
	return id.RoomID(fmt.Sprintf("!%s.%s:%s", url.PathEscape(string(key.ID)), url.PathEscape(string(key.Receiver)), fakeServer))
}

func (f *fakeMatrix) GenerateDeterministicEventID(id.RoomID, networkid.PortalKey, networkid.MessageID, networkid.PartID) id.EventID {
	return ""
}

func (f *fakeMatrix) GenerateReactionEventID(id.RoomID, *bridgedb.Message, networkid.UserID, networkid.EmojiID) id.EventID {
	return ""
}

func (f *fakeMatrix) nextEventID() id.EventID {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	return id.EventID(fmt.Sprintf("$bridge%d", f.lastID))
}

func (f *fakeMatrix) roomID() id.RoomID {
	return id.RoomID(fmt.Sprintf("!room%d:%s", f.lastID, fakeServer))
}

// fakeIntent acts as one Matrix user of the bridge.
type fakeIntent struct {
	bridgev2.MatrixAPI
	f    *fakeMatrix
	user id.UserID
}

func (i *fakeIntent) GetMXID() id.UserID   { return i.user }
func (i *fakeIntent) IsDoublePuppet() bool { return false }

func (i *fakeIntent) SendMessage(_ context.Context, room id.RoomID, evtType event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	i.f.mu.Lock()
	txn := ""
	if extra != nil && extra.TransactionID != "" {
		txn = fmt.Sprint(i.user, room, extra.TransactionID)
	}
	if known := i.f.taken[txn]; known != "" {
		i.f.mu.Unlock()
		return &mautrix.RespSendEvent{EventID: known}, nil
	}
	fail, maxBody, sending := i.f.failSend, i.f.maxBody, i.f.sending
	if i.f.failOnce {
		i.f.failSend, i.f.failOnce = nil, false
	}
	i.f.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	if evtType == event.EventRedaction && i.f.keeps.Load() {
		return nil, mautrix.MForbidden
	}
	if text, ok := content.Parsed.(*event.MessageEventContent); ok && sending != nil {
		sending(room, text.Body)
	} else if text, ok := content.Parsed.(event.MessageEventContent); ok && sending != nil {
		sending(room, text.Body)
	}
	evtID := i.f.nextEventID()
	r := record{kind: "message", id: evtID, room: room, sender: i.user}
	var msg *event.MessageEventContent
	switch parsed := content.Parsed.(type) {
	case *event.MessageEventContent:
		msg = parsed
	case event.MessageEventContent:
		msg = &parsed
	case **event.MessageEventContent:
		msg = *parsed
	default:
		r.kind, r.body = "event", evtType.Type
	}
	if msg != nil && maxBody > 0 && len(msg.Body) > maxBody {
		return nil, mautrix.MTooLarge
	}
	if msg != nil {
		r.body, r.html, r.msg, r.raw = msg.Body, msg.FormattedBody, msg.MsgType, content.Raw
		r.answer, r.edits = msg.RelatesTo.GetReplyTo(), msg.RelatesTo.GetReplaceID()
		if msg.NewContent != nil {
			r.html = msg.NewContent.FormattedBody
		}
		r.url, r.info, r.file, r.voice = msg.URL, msg.Info, msg.File, msg.MSC3245Voice != nil
		if msg.Mentions != nil {
			r.calls = msg.Mentions.UserIDs
		}
	}
	if txn != "" {
		i.f.mu.Lock()
		i.f.taken[txn] = evtID
		i.f.mu.Unlock()
	}
	i.f.add(r)
	return &mautrix.RespSendEvent{EventID: evtID}, nil
}

func (i *fakeIntent) SendState(_ context.Context, room id.RoomID, evtType event.Type, key string, content *event.Content, _ time.Time) (*mautrix.RespSendEvent, error) {
	i.f.mu.Lock()
	stating := i.f.stating
	i.f.mu.Unlock()
	if stating != nil {
		if err := stating(room, key); err != nil {
			return nil, err
		}
	}
	if member, ok := content.Parsed.(*event.MemberEventContent); ok && evtType == event.StateMember {
		i.f.mu.Lock()
		inviting := i.f.inviting
		i.f.mu.Unlock()
		if key == string(fakeUser) && inviting != nil {
			inviting(room)
		}
		i.f.setMember(room, id.UserID(key), member.Membership)
		i.f.add(record{kind: "member", room: room, sender: id.UserID(key), body: string(member.Membership) + " " + member.Reason})
	}
	i.f.mu.Lock()
	if evtType != event.StateMember {
		i.f.states[room] = append(i.f.states[room], evtType)
	}
	switch parsed := content.Parsed.(type) {
	case *event.SpaceChildEventContent:
		if i.f.spaces[room] == nil {
			i.f.spaces[room] = make(map[id.RoomID]bool)
		}
		i.f.spaces[room][id.RoomID(key)] = len(parsed.Via) > 0
	case *event.RoomNameEventContent:
		i.f.called[room] = parsed.Name
	case *event.TopicEventContent:
		i.f.topics[room] = parsed.Topic
	}
	i.f.mu.Unlock()
	return &mautrix.RespSendEvent{EventID: i.f.nextEventID()}, nil
}

// space returns the rooms in the space that is called so, and reports whether there is one.
func (f *fakeMatrix) space(name string) (space id.RoomID, children []id.RoomID, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for room, called := range f.called {
		if called != name {
			continue
		}
		for child, in := range f.spaces[room] {
			if in {
				children = append(children, child)
			}
		}
		slices.Sort(children)
		return room, children, true
	}
	return "", nil, false
}

func (i *fakeIntent) UploadMedia(ctx context.Context, room id.RoomID, data []byte, name, _ string) (id.ContentURIString, *event.EncryptedFileInfo, error) {
	if strings.HasPrefix(name, icon.FilePrefix) {
		i.f.mu.Lock()
		defer i.f.mu.Unlock()
		i.f.icons = append(i.f.icons, name)
		return id.ContentURIString("mxc://" + fakeServer + "/" + name), nil, nil
	}
	i.f.mu.Lock()
	slow := i.f.slowUpload
	i.f.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	uri := uploaded(len(i.f.uploads) + 1)
	var key *event.EncryptedFileInfo
	if i.f.encrypts && room != "" {
		key = &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile(), URL: uri}
		key.EncryptInPlace(data)
		uri = ""
	}
	i.f.uploads = append(i.f.uploads, data)
	return uri, key, nil
}

func (f *fakeMatrix) setMember(room id.RoomID, user id.UserID, membership event.Membership) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rooms[room] == nil {
		f.rooms[room] = make(map[id.UserID]event.Membership)
	}
	f.rooms[room][user] = membership
}

// displayNames returns what users are called.
func (f *fakeMatrix) displayNames() map[id.UserID]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.names)
}

// last returns the number of the last room or event.
func (f *fakeMatrix) last() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lastID
}

// memberships returns who is in which room.
func (f *fakeMatrix) memberships() map[id.RoomID]map[id.UserID]event.Membership {
	f.mu.Lock()
	defer f.mu.Unlock()
	rooms := make(map[id.RoomID]map[id.UserID]event.Membership)
	for room, members := range f.rooms {
		rooms[room] = maps.Clone(members)
	}
	return rooms
}

func (i *fakeIntent) MarkRead(_ context.Context, room id.RoomID, evt id.EventID, _ time.Time) error {
	i.f.add(record{kind: "read", room: room, sender: i.user, answer: evt})
	return nil
}

// waitWhileHanging is the homeserver that does not answer.
func (f *fakeMatrix) waitWhileHanging(ctx context.Context) {
	f.mu.Lock()
	hang := f.hang
	f.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
		}
	}
}

func (f *fakeMatrix) setHang(hang chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hang = hang
}

// beforeNames has something done before a ghost is named. Its error is that of naming it.
func (f *fakeMatrix) beforeNames(do func(context.Context, id.UserID) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.naming = do
}

// beforeRooms has something done before each room is made. Its error is that of making it.
func (f *fakeMatrix) beforeRooms(do func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.making = do
}

// beforeTexts has something done before each text is sent.
func (f *fakeMatrix) beforeTexts(do func(room id.RoomID, text string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sending = do
}

// beforeStates has something done before a state of a room is set, with the room and the key of the
// state. Its error is that of setting it.
func (f *fakeMatrix) beforeStates(do func(room id.RoomID, key string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stating = do
}

// holds reports whether a room is in a space.
func (f *fakeMatrix) holds(space, room id.RoomID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spaces[space][room]
}

// failInvites has nobody invited into rooms that are there.
func (f *fakeMatrix) failInvites(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noInvite = err
}

func (i *fakeIntent) MarkTyping(ctx context.Context, room id.RoomID, _ bridgev2.TypingType, timeout time.Duration) error {
	i.f.waitWhileHanging(ctx)
	if timeout > 0 {
		i.f.add(record{kind: "typing", room: room, sender: i.user})
	}
	return nil
}

func (i *fakeIntent) SetDisplayName(ctx context.Context, name string) error {
	i.f.waitWhileHanging(ctx)
	i.f.mu.Lock()
	naming := i.f.naming
	i.f.mu.Unlock()
	if naming != nil {
		if err := naming(ctx, i.user); err != nil {
			return err
		}
	}
	i.f.mu.Lock()
	i.f.names[i.user] = name
	i.f.mu.Unlock()
	i.f.add(record{kind: "name", sender: i.user, body: name})
	return nil
}

func (i *fakeIntent) SetAvatarURL(_ context.Context, avatar id.ContentURIString) error {
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	if i.f.avatars == nil {
		i.f.avatars = make(map[id.UserID]id.ContentURIString)
	}
	i.f.avatars[i.user] = avatar
	return nil
}

// avatar returns the picture of a user, as it was uploaded; nil for none.
func (f *fakeMatrix) avatar(user id.UserID) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, data := range f.uploads {
		if f.avatars[user] == uploaded(n+1) {
			return data
		}
	}
	return nil
}

// avatarOf returns where the picture of a user is, "" for none.
func (f *fakeMatrix) avatarOf(user id.UserID) id.ContentURIString {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.avatars[user]
}

// iconsTaken returns the names of the icons that were uploaded.
func (f *fakeMatrix) iconsTaken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.icons)
}

// uploaded is the address of the nth upload.
func uploaded(n int) id.ContentURIString {
	return id.ContentURIString(fmt.Sprintf("mxc://%s/upload%d", fakeServer, n))
}

func (i *fakeIntent) DownloadMedia(_ context.Context, uri id.ContentURIString, _ *event.EncryptedFileInfo) ([]byte, error) {
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	if data := i.f.media[uri]; data != nil {
		return data, nil
	}
	return nil, mautrix.MNotFound
}

func (i *fakeIntent) SetExtraProfileMeta(context.Context, any) error { return nil }
func (i *fakeIntent) SetProfile(context.Context, any) error          { return nil }

func (i *fakeIntent) CreateRoom(_ context.Context, req *mautrix.ReqCreateRoom) (id.RoomID, error) {
	i.f.mu.Lock()
	making := i.f.making
	i.f.mu.Unlock()
	if making != nil {
		if err := making(); err != nil {
			return "", err
		}
	}
	i.f.mu.Lock()
	for i.f.lastID++; i.f.rooms[i.f.roomID()] != nil; i.f.lastID++ {
	}
	room := i.f.roomID()
	i.f.mu.Unlock()
	i.f.setMember(room, i.user, event.MembershipJoin)
	for _, user := range req.Invite {
		i.f.setMember(room, user, event.MembershipInvite)
	}
	name := req.Name
	for _, state := range req.InitialState {
		if content, ok := state.Content.Parsed.(*event.RoomNameEventContent); ok {
			name = content.Name
		}
	}
	i.f.mu.Lock()
	i.f.called[room], i.f.births[room] = name, req
	i.f.mu.Unlock()
	i.f.add(record{kind: "room", room: room, sender: i.user, body: name})
	return room, nil
}

func (i *fakeIntent) DeleteRoom(_ context.Context, room id.RoomID, _ bool) error {
	i.f.mu.Lock()
	defer i.f.mu.Unlock()
	delete(i.f.called, room)
	for user := range i.f.rooms[room] {
		if _, ghost := i.f.ParseGhostMXID(user); ghost || user == fakeBot {
			i.f.rooms[room][user] = event.MembershipLeave
		}
	}
	return nil
}

func (i *fakeIntent) EnsureJoined(_ context.Context, room id.RoomID, _ ...bridgev2.EnsureJoinedParams) error {
	i.f.setMember(room, i.user, event.MembershipJoin)
	return nil
}

func (i *fakeIntent) EnsureInvited(_ context.Context, room id.RoomID, user id.UserID) error {
	i.f.mu.Lock()
	fail := i.f.noInvite
	i.f.mu.Unlock()
	if fail != nil {
		return fail
	}
	if m, _ := i.f.GetMemberInfo(context.Background(), room, user); m == nil || !m.Membership.IsInviteOrJoin() {
		i.f.setMember(room, user, event.MembershipInvite)
	}
	return nil
}

func (i *fakeIntent) TagRoom(context.Context, id.RoomID, event.RoomTag, bool) error { return nil }
func (i *fakeIntent) MuteRoom(context.Context, id.RoomID, time.Time) error          { return nil }
