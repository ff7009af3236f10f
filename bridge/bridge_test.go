package bridge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // registers the driver
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/inbox"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/presence"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
	"matrix-msn/internal/postgrestest"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

const (
	alice = "alice@example.com"
	bob   = "bob@example.com"
	carol = "carol@example.com"
	pass  = "secret123"
)

// testBridge is the connector with a fake Matrix side and a real MSN server, all
// in process.
type testBridge struct {
	*testing.T
	ctx        context.Context
	srv        *msntest.Server
	matrix     *fakeMatrix
	conn       *Connector
	br         *bridgev2.Bridge
	dbPath     string
	postgres   string // the address of the database, where it is not SQLite
	events     int
	config     func(*config.Config)             // changes the config, unless nil
	public     string                           // public address of the bridge, or ""
	filtering  bool                             // each login has a space
	framework  func(*bridgeconfig.BridgeConfig) // changes the framework's config, unless nil
	acting     *bridgev2.User                   // in whose name tryLogin logs in, the user's if nil
	only       bool                             // nobody but the user may use the bridge
	waited     func()                           // is called in place of each wait between attempts of the inbox, unless nil
	statements *statements                      // counts what the database is asked for, unless nil
	process    *process                         // stands between the bridge and the rest of the world, unless nil
	metrics    *metrics.Metrics                 // of the next start, unless nil
	log        *lockedBuffer                    // of warnings and errors, since the last start
}

// newTestServer starts an MSN server where alice and bob are friends, carol is
// nobody's.
func newTestServer(t *testing.T, opts ...msntest.Option) *msntest.Server {
	srv := msntest.NewServer(t, opts...)
	srv.AddAccount(alice, pass, msntest.Name("Alice"))
	srv.AddAccount(bob, pass, msntest.Name("Bob Builder"))
	srv.AddAccount(carol, pass, msntest.Name("Carol ♥ 100%"))
	srv.Befriend(alice, bob)
	return srv
}

func newTestBridge(t *testing.T, srv *msntest.Server, changes ...func(*testBridge)) *testBridge {
	t.Helper()
	b := &testBridge{T: t, srv: srv, dbPath: filepath.Join(databaseDir(t), "bridge.db")}
	for _, change := range changes {
		change(b)
	}
	b.start()
	t.Cleanup(func() {
		b.stop()
		for _, r := range b.matrix.all(func(r record) bool { return r.sender == fakeBot && misfit.MatchString(r.body+r.html) }) {
			t.Errorf("arguments that do not fit: %q", r.body)
		}
	})
	return b
}

// misfit is what package fmt makes of an argument that does not fit its verb.
var misfit = regexp.MustCompile(`%!([a-z]\(|\(BADINDEX|\(EXTRA|\(NOVERB)`)

// databaseDir returns a directory for the database of a test. It is not that of the testing
// package, which fails a test when there is a new file while the directory is removed: the
// framework does not wait for the end of what it does in rooms when it is stopped.
func databaseDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bridge")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// withHome changes the settings of the service.
func withHome(change func(*config.ServiceConfig)) func(*testBridge) {
	return func(b *testBridge) {
		b.config = func(c *config.Config) {
			home := c.Services["home"]
			change(&home)
			c.Services["home"] = home
		}
	}
}

// statements counts what the database is asked for.
type statements struct {
	dbutil.DatabaseLogger
	mu  sync.Mutex
	all []string
}

func (s *statements) QueryTiming(_ context.Context, method, query string, _ []any, _ int, _ time.Duration, _ error) {
	if method == "EndRows" {
		return // the second time that a query is told of
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, query)
}

// take returns the statements since it was called last.
func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.all
	s.all = nil
	return taken
}

func (b *testBridge) dbLog() dbutil.DatabaseLogger {
	if b.statements != nil {
		return b.statements
	}
	return dbutil.NoopLogger
}

// start makes a bridge on the database of this test, as a restart would.
func (b *testBridge) start() { b.startWith(func() {}) }

// startWith is start with something to be done to the database before.
func (b *testBridge) startWith(prepare func()) {
	b.Helper()
	ca := filepath.Join(b.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, b.srv.CertPEM(), 0o600); err != nil {
		b.Fatal(err)
	}
	db := b.openDatabase()
	b.conn = &Connector{Config: config.Config{
		DisplaynameTemplate: "{{or .Name .Account}} (MSN)",
		CredentialKey:       "a key of the tests, long enough",
		Services: map[string]config.ServiceConfig{"home": {
			Name: "Home", Server: b.srv.Addr(), Nexus: b.srv.NexusURL(), AllowPrivate: true, CAFile: ca,
			Dialects: []string{"MSNP12", "MSNP11", "MSNP10", "MSNP9", "MSNP8", "MSNP7", "MSNP6", "MSNP5", "MSNP4", "MSNP3", "MSNP2"},
			// Long enough for the test server to answer with an error.
			PageGrace: "500ms",
		}},
	}}
	b.conn.Metrics = b.metrics
	if b.config != nil {
		b.config(&b.conn.Config)
	}
	if err := b.conn.ValidateConfig(); err != nil {
		b.Fatal(err)
	}
	before := b.matrix
	if b.matrix = newFakeMatrix(); before != nil {
		// The homeserver outlives the bridge.
		b.matrix.rooms, b.matrix.names, b.matrix.lastID = before.memberships(), before.displayNames(), before.last()
		b.matrix.spaces, b.matrix.called = before.spaces, before.called // nobody writes there any more
		b.matrix.written, b.matrix.files = before.written, before.files
		b.matrix.shown.take(&before.shown)
		b.matrix.profiles.take(&before.profiles)
	}
	b.matrix.public = b.public
	var matrix homeserver = b.matrix
	if b.process != nil {
		b.conn.Config.Service("home").Template.Dial = b.process.dial
		matrix = &faultyMatrix{b.process.world.matrix, b.process}
		b.matrix = b.process.world.matrix
	}
	b.conn.Deliver = func(ctx context.Context, evt *event.Event) error {
		if evt.Type == event.StateMember {
			b.conn.Membership(ctx, evt)
			b.br.QueueMatrixEvent(ctx, evt)
			b.conn.Member(ctx, evt)
			return nil
		}
		b.conn.Arriving(ctx, evt)
		b.br.QueueMatrixEvent(ctx, evt)
		b.conn.Dispatched(ctx, evt)
		return nil
	}
	b.matrix.mu.Lock()
	b.matrix.leaves = b.conn.LeavesForLater
	b.matrix.mu.Unlock()
	b.conn.Homeserver, b.conn.Presence = matrix, &b.matrix.shown
	profiles := &b.matrix.profiles
	b.conn.Profile = func() presence.Homeserver { return profiles }
	permissions := bridgeconfig.PermissionConfig{"*": &bridgeconfig.PermissionLevelUser}
	if b.only {
		permissions = bridgeconfig.PermissionConfig{string(fakeUser): &bridgeconfig.PermissionLevelUser}
	}
	log := zerolog.New(b.logs()).Level(zerolog.WarnLevel)
	framework := &bridgeconfig.BridgeConfig{
		CommandPrefix:         "!msn",
		PrivateChatPortalMeta: true,
		// The framework's delayed notice races with its own state queue.
		BridgeStatusNotices:     "none",
		PersonalFilteringSpaces: b.filtering,
		PortalEventBuffer:       64,
		Permissions:             permissions,
	}
	if b.framework != nil {
		b.framework(framework)
	}
	b.br = bridgev2.NewBridge("", db, log, framework, matrix, b.conn, commands.NewProcessor)
	if b.waited != nil {
		b.conn.pace = inbox.Pace{Between: func() backoff.BackOff { return noWaits{b} }}
	}
	b.ctx = log.WithContext(b.Context())
	if b.statements != nil {
		b.conn.db = database.New("", db, b.statements)
	}
	prepare()
	if err := b.br.Start(b.ctx); err != nil {
		b.Fatal(err)
	}
	b.conn.WatchCommands()
	b.conn.StartIntake(b.ctx)
}

// homeserver is the Matrix side of a bridge.
type homeserver interface {
	bridgev2.MatrixConnector
	room.Homeserver
}

// databaseVariable, set to "postgres", has the tests use PostgreSQL, but for those that put faults between the bridge and
// SQLite.
const databaseVariable = "BRIDGE_TEST_DATABASE"

func TestMain(m *testing.M) {
	if many := os.Getenv(crowdVariable); many != "" {
		if err := beCrowdServer(many); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(postgrestest.Main(m))
}

func (b *testBridge) openDatabase() *dbutil.Database {
	b.Helper()
	kind, uri := "sqlite3-fk-wal", "file:"+b.dbPath+"?_txlock=immediate"
	if os.Getenv(databaseVariable) == "postgres" && b.process == nil {
		if b.postgres == "" {
			b.postgres = postgrestest.URI(b)
		}
		kind, uri = "postgres", b.postgres
	}
	pool := dbutil.PoolConfig{Type: kind, URI: uri, MaxOpenConns: 4, MaxIdleConns: 1}
	if b.process != nil {
		db, err := b.process.openDatabase(kind, uri)
		if err == nil {
			err = db.Configure(dbutil.Config{PoolConfig: pool})
		}
		if err != nil {
			b.Fatal(err)
		}
		db.Log = b.dbLog()
		return db
	}
	db, err := dbutil.NewFromConfig("test", database.Tuned(dbutil.Config{PoolConfig: pool}), b.dbLog())
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// noWaits is that a test does not wait between attempts.
type noWaits struct{ b *testBridge }

func (w noWaits) NextBackOff() time.Duration {
	w.b.waited()
	return 0
}

func (noWaits) Reset() {}

// stop ends the bridge as its program does.
func (b *testBridge) stop() {
	b.conn.StopIntake()
	b.br.Stop()
}

func (b *testBridge) restart() {
	b.Helper()
	b.stop()
	b.start()
}

func (b *testBridge) user() *bridgev2.User {
	b.Helper()
	if b.acting != nil {
		return b.acting
	}
	user, err := b.br.GetUserByMXID(b.ctx, fakeUser)
	if err != nil {
		b.Fatal(err)
	}
	return user
}

// tryLogin runs the login flow to its end.
func (b *testBridge) tryLogin(account, password string) (*bridgev2.UserLogin, error) {
	b.Helper()
	process, err := b.conn.CreateLogin(b.ctx, b.user(), "home")
	if err != nil {
		b.Fatal(err)
	}
	step, err := process.Start(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	input := make(map[string]string)
	for _, field := range step.UserInputParams.Fields {
		value := account
		if field.Type == bridgev2.LoginInputFieldTypePassword {
			value = password
		}
		field.FillDefaultValidate()
		if input[field.ID], err = field.Validate(value); err != nil {
			return nil, err
		}
	}
	step, err = process.(bridgev2.LoginProcessUserInput).SubmitUserInput(b.ctx, input)
	if err != nil {
		return nil, err
	}
	return step.CompleteParams.UserLogin, nil
}

func (b *testBridge) login() *bridgev2.UserLogin {
	b.Helper()
	from := b.matrix.position()
	login, err := b.tryLogin(alice, pass)
	if err != nil {
		b.Fatal(err)
	}
	b.matrix.wait(b.T, from, "the sign-in", func(r record) bool {
		return r.kind == "state" && r.bridge.StateEvent == status.StateConnected
	})
	return login
}

func (b *testBridge) waitState(state status.BridgeStateEvent) record {
	b.Helper()
	r, _ := b.matrix.wait(b.T, 0, "state "+string(state), func(r record) bool {
		return r.kind == "state" && r.bridge.StateEvent == state
	})
	return r
}

func (b *testBridge) waitMessage(from int, text string) (record, int) {
	b.Helper()
	return b.matrix.wait(b.T, from, fmt.Sprintf("message %q", text), func(r record) bool {
		return r.kind == "message" && strings.Contains(r.body, text)
	})
}

// meet has somebody tell their name, so that there can be a room with them also when they are no
// contact, and offline.
func (b *testBridge) meet(login *bridgev2.UserLogin, account string) {
	login.Client.(*Client).account.Tells(account, "Somebody")
}

// dm makes the room with a contact, as start-chat does.
func (b *testBridge) dm(login *bridgev2.UserLogin, account string) id.RoomID {
	b.Helper()
	found, err := login.Client.(*Client).ResolveIdentifier(b.ctx, account, true)
	if err != nil {
		b.Fatal(err)
	}
	portal, err := b.br.GetPortalByKey(b.ctx, found.Chat.PortalKey)
	if err != nil {
		b.Fatal(err)
	}
	if err := portal.CreateMatrixRoom(b.ctx, login, found.Chat.PortalInfo); err != nil {
		b.Fatal(err)
	}
	return portal.MXID
}

// leave has the user leave a room, as the homeserver would hand it over.
func (b *testBridge) leave(room id.RoomID) {
	b.Helper()
	b.matrix.setMember(room, fakeUser, event.MembershipLeave)
	b.member(room, fakeUser, event.MembershipJoin, event.MembershipLeave)
}

// member says that the user has changed what somebody is to a room, as the homeserver would.
func (b *testBridge) member(room id.RoomID, user id.UserID, from, to event.Membership) {
	b.Helper()
	b.events++
	evt := &event.Event{
		Type: event.StateMember, StateKey: ptr.Ptr(string(user)), ID: id.EventID(fmt.Sprintf("$user%d", b.events)),
		RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(),
		Content:  event.Content{Parsed: &event.MemberEventContent{Membership: to}},
		Unsigned: event.Unsigned{PrevContent: &event.Content{VeryRaw: []byte(`{"membership":"` + string(from) + `"}`)}},
	}
	b.br.QueueMatrixEvent(b.ctx, evt)
	b.conn.Member(b.ctx, evt)
}

// isIn reports whether the user is in a room, or invited.
func (b *testBridge) isIn(room id.RoomID) bool {
	b.Helper()
	info, err := b.matrix.GetMemberInfo(b.ctx, room, fakeUser)
	if err != nil {
		b.Fatal(err)
	}
	return info != nil && info.Membership.IsInviteOrJoin()
}

// write sends a Matrix message as the user, as the homeserver would hand it over.
func (b *testBridge) write(room id.RoomID, text string) {
	b.Helper()
	b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: text})
}

func (b *testBridge) writeContent(room id.RoomID, content *event.MessageEventContent) {
	b.Helper()
	b.writeAs(fakeUser, room, content)
}

func (b *testBridge) writeAs(sender id.UserID, room id.RoomID, content *event.MessageEventContent) {
	b.Helper()
	b.events++
	evt := &event.Event{
		Type: event.EventMessage, ID: id.EventID(fmt.Sprintf("$user%d", b.events)), RoomID: room, Sender: sender,
		Timestamp: time.Now().UnixMilli(), Content: event.Content{Parsed: content},
	}
	b.conn.Arriving(b.ctx, evt)
	b.br.QueueMatrixEvent(b.ctx, evt)
}

// management makes the user's chat with the bot.
func (b *testBridge) management() id.RoomID {
	b.Helper()
	room, err := b.user().GetManagementRoom(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	return room
}

// ask gives the bot a command and returns its answer; that a page is on its way,
// which a slow machine has time to say, is none.
func (b *testBridge) ask(room id.RoomID, command string) record {
	b.Helper()
	from := b.matrix.position()
	b.write(room, command)
	r, _ := b.matrix.wait(b.T, from, "an answer to "+command, func(r record) bool {
		return r.kind == "message" && r.sender == fakeBot && !strings.HasSuffix(r.body, " …")
	})
	return r
}

// answer returns the first message of the bot from position on.
func (b *testBridge) answer(from int, what string) record {
	b.Helper()
	r, _ := b.matrix.wait(b.T, from, "an answer to "+what, func(r record) bool { return r.kind == "message" && r.sender == fakeBot })
	return r
}

// waitStatus returns the fate of the next message from position on.
func (b *testBridge) waitStatus(from int) (record, int) {
	b.Helper()
	return b.matrix.wait(b.T, from, "the fate of a message", func(r record) bool {
		return r.kind == "status" && r.status != event.MessageStatusPending
	})
}

// waitStatusOf is waitStatus for one message: that of an earlier one may come late.
func (b *testBridge) waitStatusOf(from int, evt id.EventID) record {
	b.Helper()
	r, _ := b.matrix.wait(b.T, from, "the fate of "+string(evt), func(r record) bool {
		return r.kind == "status" && r.status != event.MessageStatusPending && r.answer == evt
	})
	return r
}

// friend plays bob at the MSN server and hands over what reaches him.
func (b *testBridge) friend() (*msntest.Bot, <-chan string) {
	texts := make(chan string, 100)
	bot := b.srv.Play(bob, msntest.Script{
		Text:   func(_ *msntest.Chat, from, text string) { texts <- from + ": " + text },
		Typing: func(_ *msntest.Chat, from string) { texts <- from + " types" },
	})
	return bot, texts
}

func (b *testBridge) receive(texts <-chan string, want string) {
	b.Helper()
	select {
	case got := <-texts:
		if got != want {
			b.Errorf("the contact got %q, want %q", got, want)
		}
	case <-time.After(waitLimit):
		b.Fatalf("the contact waited in vain for %q", want)
	}
}

// logs returns a writer whose content is shown when the test fails. The framework
// goes on logging for a moment after a bridge was stopped.
func (b *testBridge) logs() io.Writer {
	log := new(lockedBuffer)
	b.Cleanup(func() {
		if b.Failed() {
			b.Log(log.String())
		}
	})
	b.log = log
	return log
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually waits until a condition that nothing announces holds.
func (b *testBridge) eventually(what string, holds func() bool) {
	b.Helper()
	b.within(waitLimit, what, holds)
}

// within is eventually for what takes long.
func (b *testBridge) within(limit time.Duration, what string, holds func() bool) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout.C:
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

func loginID(account string) networkid.UserLoginID {
	return networkid.UserLoginID("home/" + account)
}

// byDialect runs a test once with each way of signing in and listing contacts.
func byDialect(t *testing.T, test func(t *testing.T, b *testBridge)) {
	t.Helper()
	for _, dialect := range []wire.Dialect{2, 7, 8, 10, 12} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			test(t, newTestBridge(t, newTestServer(t, msntest.WithDialects(dialect))))
		})
	}
}
