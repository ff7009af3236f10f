package msn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/notice/noticetest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

const (
	// longestCall is what no call to a Client takes longer than: that to a switchboard which
	// answers each step in the last moment.
	longestCall = 10 * time.Minute
	// longestClose is what no Close takes longer than.
	longestClose = 15 * time.Second
	// mostMemory is what one Client never holds.
	mostMemory = 64 << 20
)

// FuzzClient signs a Client in at servers that say anything, in each dialect: what answers
// and web answers are made of, and what program does: calls to the Client, words of the
// server that nobody asked for, pauses. The Client does not break down, calls return in
// their time, with an error when it is over; it dials no address that is not trusted, sends
// nothing but commands, and takes nobody's words for the user's own. When it is closed,
// nothing of it is left.
func FuzzClient(f *testing.F) {
	units := readRecorded(f)
	for d := MinDialect; d <= MaxDialect; d++ {
		units.ns[d] = append(slices.Clone(of(units.ns, d)), unrecorded()...)
	}
	var all []byte
	for i := range fuzzCalls {
		all = append(all, opCall, byte(i), 0, 0)
	}
	for d := MinDialect; d <= MaxDialect; d++ {
		f.Add(byte(d), []byte(nil), []byte(nil), []byte(nil))
		f.Add(byte(d), []byte(nil), []byte(nil), all)
		// All that servers have said, a little in each program.
		told, board := []byte(nil), []byte{opRing, opPause, 0}
		for i, unit := range units.ns[d] {
			if told = append(told, opTold, byte(i), byte(i>>8), 0); i%24 == 23 || strings.HasPrefix(unit, "OUT") {
				f.Add(byte(d), []byte(nil), []byte(nil), append(told, all[:40]...))
				told = nil
			}
		}
		for i := range units.sb[d] {
			if board = append(board, opBoard, 0, byte(i), byte(i>>8), 0); i%30 == 29 {
				f.Add(byte(d), []byte(nil), []byte(nil), append(board, all[:40]...))
				board = []byte{opRing, opPause, 0}
			}
		}
		f.Add(byte(d), []byte(nil), []byte(nil), append(told, all[:40]...))
		f.Add(byte(d), []byte(nil), []byte(nil), append(board, all[:40]...))
		for special := range byte(specials) {
			f.Add(byte(d), []byte(nil), []byte(nil), append([]byte{opCall, 0, 0, 0, opSpecial, special, opPause, 5, opCall, 0, 0, 0}, all[:24]...))
		}
		if d%4 != 2 {
			continue // enough for a test; what is tried differs little between the dialects
		}
		for action := byte(8); action < 20; action++ {
			for _, at := range []int{0, 2, 3, 5, 8} {
				f.Add(byte(d), append(make([]byte, at), action, 1, 1, 2, 3), []byte{0, 0, action}, all)
			}
		}
	}
	// Somebody who has no account's name was to be removed.
	f.Add(byte(3), []byte("x\x92q2"), []byte("x"), []byte("x\x92q2\x04\t\x03\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\xe2\xff\xff\xff\x03\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00"))
	// Somebody else came into the session in which the user wrote to themselves.
	f.Add(byte(2), []byte("\xef\x8e\x1f\xcdc\xdct"), []byte(nil), []byte{opCall, 0, 1, 0, opCall, 0, 2, 0, opCall, 0, 3, 0, opCall, 0, 4, 0, opCall, 0, 5, 0})
	// Somebody else came into each session that was opened for a contact.
	f.Add(byte(2), []byte("w\xbc(\x1f\xa1\xc4-"), []byte("w\xbc(\x1f\xa1\xc4"), []byte("w\xbc(\x1f\xa1\xc4-\r\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00"))
	// Somebody was invited while the conversation opened.
	f.Add(byte(8), []byte(nil), []byte(nil), []byte{opCall, 4, 0, 0, opCall, 5, 0, 0, opPause, 5})
	f.Fuzz(func(t *testing.T, dialect byte, answers, web, program []byte) {
		d := MinDialect + wire.Dialect(dialect)%(MaxDialect-MinDialect+1)
		if int(dialect) >= int(MinDialect) && int(dialect) <= int(MaxDialect) {
			d = wire.Dialect(dialect)
		}
		synctest.Test(t, func(t *testing.T) { fuzzClient(t, units, d, answers, web, program) })
	})
}

// unrecorded is what services have told besides what the recordings have.
func unrecorded() (units []string) {
	add := func(line, payload string) {
		units = append(units, fmt.Sprintf("%s %d\r\n%s", line, len(payload), payload))
	}
	for _, payload := range append(noticetest.Messages, noticetest.Payload(noticetest.OfflineMessage, "Mail-Data: <MD>"+noticetest.OfflineMessageInList+"</MD>")) {
		add("MSG Hotmail Hotmail", payload)
	}
	add("NOT", foundingAlert("1", "1", foundingTextA))
	add("IPG", pageDocument("bob@example.com", "call me"))
	add("IPG", bounce("1", "407"))
	add("UBM frank@yahoo.example 32 alice@example.com 1 1", textPayload("from elsewhere"))
	add("ADL 0", `<ml l="1"><d n="example.com"><c n="zoe" t="1" l="8" f="Zoe"/></d></ml>`)
	add("UBX bob@example.com", "<Data><PSM>x</PSM><CurrentMedia></CurrentMedia></Data>")
	units = append(units, sdg("9:"+circleAddress, "1:bob@example.com", "Message-Type: Text\r\nContent-Length: 2\r\n", "hi"),
		nfy("PUT", "/circle", "Full", "<circle><roster><id>IM</id><user><id>1:bob@example.com</id></user></roster></circle>"),
		nfy("DEL", "/circle/roster(IM)/user(1:bob@example.com)", "Partial", ""),
		"NLN NLN 32:frank@yahoo.example Frank 0\r\n", "RNG 1 "+fakeSB+" CKI 1 alice@example.com Alice\r\n",
		"OUT RCT 1\r\n", "XFR 0 NS "+fakeServer+" 0\r\n", "UUN alice@example.com 4 1\r\nx", "BPR bob@example.com MOB Y\r\n", "BLP 0 BL\r\n")
	return units
}

// The operations of a program.
const (
	opCall byte = iota
	opTold
	opBoard
	opPause
	opSpecial
	opRing
	operations
)

// fuzzRun is a Client in the hands of a program.
type fuzzRun struct {
	t       *testing.T
	srv     *fuzzServer
	client  *Client
	p       *tape
	running sync.WaitGroup
	stalled atomic.Bool // nobody reads events
	mu      sync.Mutex
	hanging []string // the calls that are under way
	floods  int
}

func fuzzClient(t *testing.T, units recorded, d wire.Dialect, answers, web, program []byte) {
	usual := newFakeWeb(t)
	usual.circles = circlesElement("ticket", "Accepted", "WaitingResponse")
	usual.people = personElement("Live", "bob@example.com", "Bob") + invitedElement("carol@example.com", "Carol")
	srv := &fuzzServer{t: t, dialect: d, units: units, answers: answers, web: &tape{bytes: web}, usual: usual}
	defer func() {
		srv.end()
		if srv.failed != "" {
			t.Error(srv.failed)
		}
	}()
	cfg := fakeConfig(&fakeNet{t: t}, d)
	cfg.Dial, cfg.https, cfg.Web, cfg.MachineGUID, cfg.Paging = srv.Dial, srv, fakeWebServices, fakeGUID, PageAnybody
	began := time.Now()
	client, err := Login(t.Context(), cfg)
	if took := time.Since(began); took > defaultLogin+time.Second {
		t.Errorf("Login took %v", took)
	}
	if err != nil {
		return
	}
	r := &fuzzRun{t: t, srv: srv, client: client, p: &tape{bytes: program}}
	read := make(chan struct{})
	stop := make(chan struct{})
	go r.read(read, stop)
	for range 100 {
		if r.p.over() {
			break
		}
		r.step()
		synctest.Wait()
	}
	r.stalled.Store(false)
	done := make(chan struct{})
	go func() { r.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(longestCall):
		r.mu.Lock()
		t.Errorf("%q do not return", r.hanging)
		r.mu.Unlock()
	}
	var memory runtime.MemStats
	if runtime.ReadMemStats(&memory); memory.HeapAlloc > mostMemory {
		runtime.GC()
		if runtime.ReadMemStats(&memory); memory.HeapAlloc > mostMemory {
			t.Errorf("the Client holds %d bytes", memory.HeapAlloc)
		}
	}
	began = time.Now()
	_ = client.Close()
	if took := time.Since(began); took > longestClose {
		t.Errorf("Close took %v", took)
	}
	close(stop)
	<-read
	if client.Err() == nil {
		t.Error("a Client that is closed has no error")
	}
	for _, call := range fuzzCalls { // after the end
		if err := call.do(t.Context(), client, "bob@example.com"); err == nil && !call.plain {
			t.Errorf("%s has no error after the end", call.name)
		}
	}
	r.running.Wait()
}

// read reads events until there are no more.
func (r *fuzzRun) read(done, stop chan struct{}) {
	defer close(done)
	for {
		if r.stalled.Load() {
			select {
			case <-time.After(time.Second):
			case <-stop:
				r.stalled.Store(false)
			}
			continue
		}
		event, ok := <-r.client.Events()
		if !ok {
			return
		}
		if text, ok := event.(TextReceived); ok && strings.EqualFold(text.From, r.client.Account()) {
			r.srv.fail("a text comes from the user: %+v", text)
		}
	}
}

// step does the next operation.
func (r *fuzzRun) step() {
	p, d := r.p, r.srv.dialect
	switch p.next() % operations {
	case opCall:
		r.call(fuzzCalls[int(p.next())%len(fuzzCalls)])
	case opTold:
		units := of(r.srv.units.ns, d)
		unit := units[(int(p.next())|int(p.next())<<8)%len(units)]
		if c := r.srv.last(false, 0); c != nil {
			c.send(mutated(p, unit))
		}
	case opBoard:
		units := of(r.srv.units.sb, d)
		c := r.srv.last(true, int(p.next()%4))
		unit := units[(int(p.next())|int(p.next())<<8)%len(units)]
		if c != nil {
			c.send(mutated(p, unit))
		}
	case opPause:
		time.Sleep(pick(p, []time.Duration{0, time.Millisecond, 500 * time.Millisecond, time.Second, 10 * time.Second, 31 * time.Second, 46 * time.Second, 2 * time.Minute, 6 * time.Minute}))
	case opSpecial:
		r.special(p.next() % specials)
	case opRing:
		if c := r.srv.last(false, 0); c != nil {
			c.send("RNG 11752013 " + fakeSB + " CKI 849102291.520491113 bob@example.com Bob\r\n")
		}
	}
}

// specials is how many there are.
const specials = 14

// maxFloods is how many of the large ones a program has: what waits to be sent is memory too.
const maxFloods = 3

// large is a message with a large payload.
var large = "MSG Hotmail Hotmail 200000\r\n" + strings.Repeat("x", 200_000)

// special does what takes more than one word of a server.
func (r *fuzzRun) special(n byte) {
	ns, sb := r.srv.last(false, 0), r.srv.last(true, 0)
	if ns == nil {
		return
	}
	if n <= 3 || n == 11 || n == 13 {
		if r.floods++; r.floods > maxFloods {
			return
		}
	}
	flood := func(count int, format string) {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, format+"\r\n", i)
		}
		ns.send(b.String())
	}
	switch n {
	case 0:
		flood(300, "RNG %d "+fakeSB+" CKI 1 bob@example.com Bob")
	case 1:
		flood(300, "RNG 1 "+fakeSB+" CKI 1 bob%d@example.com Bob")
	case 2:
		flood(300, "NLN NLN bob%d@example.com Bob 0")
	case 3:
		flood(100, "CHL 0 %d")
	case 4:
		ns.close()
	case 5:
		if sb != nil {
			sb.close()
		}
	case 6:
		r.stalled.Store(!r.stalled.Load())
	case 7:
		ns.send("MSG Hotmail Hotmail 100000\r\nMIME-Version: 1.0\r\n") // and no more
	case 8:
		ns.send(strings.Repeat("A", wire.MaxLine+1))
	case 9:
		ns.send("XFR 0 NS "+fakeServer+"\r\n", "XFR 0 NS 0\r\n")
	case 10:
		ns.send("OUT OTH\r\n")
	case 11:
		for range 30 {
			ns.send(large)
		}
	case 12:
		r.running.Go(func() { _ = r.client.Close() })
	case 13:
		if sb != nil {
			var b strings.Builder
			for i := range 200 {
				payload := textPayload(fmt.Sprint(i))
				fmt.Fprintf(&b, "JOI carol%d@example.com Carol\r\nMSG bob@example.com Bob %d\r\n%sBYE carol%d@example.com\r\n", i, len(payload), payload, i)
			}
			sb.send(b.String())
		}
	}
}

// call calls the Client in the background, half of the times with a context that ends.
func (r *fuzzRun) call(c fuzzCall) {
	ctx, cancel := context.WithCancel(r.t.Context())
	who := pick(r.p, []string{"bob@example.com", "bob@example.com", "carol@example.com", "alice@example.com", "", "a b"})
	if limit := r.p.next(); limit%8 == 7 {
		cancel()
		ctx, cancel = context.WithTimeout(r.t.Context(), time.Duration(limit)*time.Second/4)
	}
	r.begun(c.name)
	r.running.Go(func() {
		defer r.ended(c.name)
		defer cancel()
		err := c.do(ctx, r.client, who)
		if errors.Is(err, wire.ErrUnsafe) {
			r.srv.fail("%s: %v", c.name, err)
		}
	})
}

func (r *fuzzRun) begun(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hanging = append(r.hanging, name)
}

func (r *fuzzRun) ended(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.hanging, name)
	r.hanging = slices.Delete(r.hanging, i, i+1)
}

// fuzzCall is one thing that a program does with a Client. plain ones need no error when the
// Client has ended.
type fuzzCall struct {
	name  string
	plain bool
	do    func(ctx context.Context, c *Client, who string) error
}

// fuzzCalls are all of them.
var fuzzCalls = []fuzzCall{
	{"SendText", false, func(ctx context.Context, c *Client, who string) error {
		return c.Conversation(who).SendText(ctx, "hello", "FN=Arial; EF=; CO=0; CS=0; PF=0")
	}},
	{"SendText, long", false, func(ctx context.Context, c *Client, who string) error {
		return c.Conversation(who).SendText(ctx, strings.Repeat("ä ", 2000), "")
	}},
	{"StartText", false, func(ctx context.Context, c *Client, who string) error {
		wait := c.Conversation(who).StartText(ctx, "a\r\nOUT\r\n\x00", "x\r\ny")
		return wait()
	}},
	{"SendTyping", true, func(ctx context.Context, c *Client, who string) error { return c.Conversation(who).SendTyping(ctx) }},
	{"GroupChat.SendText", false, func(ctx context.Context, c *Client, who string) error {
		return c.GroupChat("{1}", who, "dave@example.com").SendText(ctx, "hello all", "")
	}},
	{"GroupChat.Invite", false, func(ctx context.Context, c *Client, who string) error {
		return c.GroupChat("{1}", "bob@example.com").Invite(ctx, who)
	}},
	{"Conversation.Close", true, func(ctx context.Context, c *Client, who string) error {
		cv := c.Conversation(who)
		cv.Close()
		_, _, _ = cv.Participants(), cv.Members(), cv.String()
		_, _ = cv.Unsettled()
		return nil
	}},
	{"AddContact", true, func(ctx context.Context, c *Client, who string) error { return c.AddContact(ctx, who, "hi <&") }},
	{"RemoveContact", true, func(ctx context.Context, c *Client, who string) error { return c.RemoveContact(ctx, who) }},
	{"Block", true, func(ctx context.Context, c *Client, who string) error { return c.Block(ctx, who) }},
	{"Allow", true, func(ctx context.Context, c *Client, who string) error { return c.Allow(ctx, who) }},
	{"SetStatus", false, func(ctx context.Context, c *Client, _ string) error { return c.SetStatus(ctx, Busy) }},
	{"Invite", false, func(ctx context.Context, c *Client, who string) error { return c.Invite(ctx, who, "come\nhere") }},
	{"Page", false, func(ctx context.Context, c *Client, who string) error {
		return c.Page(ctx, who, notify.Page{Text: "call me"}, nil)
	}},
	{"Search", false, func(ctx context.Context, c *Client, who string) error {
		_, err := c.Search(ctx, Query{FirstName: "Bob", LastName: who + "x"})
		return err
	}},
	{"ServiceURL", false, func(ctx context.Context, c *Client, _ string) error {
		u, err := c.ServiceURL(ctx, URLInbox, "")
		if err == nil {
			_, _ = c.LoginForm(u)
		}
		return err
	}},
	{"SendOffline", false, func(ctx context.Context, c *Client, who string) error { return c.SendOffline(ctx, who, "later", "") }},
	{"DeleteOffline", false, func(ctx context.Context, c *Client, _ string) error { return c.DeleteOffline(ctx, "1", "2") }},
	{"AnnounceVersion", false, func(ctx context.Context, c *Client, _ string) error {
		_, err := c.AnnounceVersion(ctx)
		return err
	}},
	{"SignOutEndpoint", false, func(ctx context.Context, c *Client, _ string) error {
		for _, e := range c.Endpoints() {
			if err := c.SignOutEndpoint(ctx, e.ID); err != nil {
				return err
			}
		}
		return c.SignOutEndpoint(ctx, "{a11ce001-0001-4001-8001-000000000001}")
	}},
	{"CreateCircle", false, func(ctx context.Context, c *Client, _ string) error {
		_, err := c.CreateCircle(ctx, "friends")
		return err
	}},
	{"circles", true, func(ctx context.Context, c *Client, who string) error {
		ids := []string{"00000000-0000-0000-0009-000000000001@live.com"}
		for _, circle := range c.Circles() {
			ids = append(ids, circle.ID)
		}
		for _, id := range ids[:min(len(ids), 3)] {
			_ = c.CircleChat(id).SendText(ctx, "hello circle", "")
			_ = c.InviteToCircle(ctx, id, who, "come")
			_ = c.AnswerCircle(ctx, id, len(ids)%2 == 0)
			_ = c.LeaveCircle(ctx, id)
		}
		return nil
	}},
	{"questions", true, func(_ context.Context, c *Client, who string) error {
		_, _ = c.Contact(who)
		_, _, _, _ = c.DisplayName(), c.Groups(), c.Status(), c.OwnNumber(notify.Home)
		_, _ = c.Version()
		if contacts := c.Contacts(); !slices.IsSortedFunc(contacts, func(a, b Contact) int { return strings.Compare(a.Account, b.Account) }) {
			return errors.New("the contacts are not in order")
		}
		return nil
	}},
	{"SetPersonal", false, func(ctx context.Context, c *Client, who string) error { return c.SetPersonal(ctx, who+" & <me>") }},
}
