package bridge

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// vandal makes up what a hostile Messenger sends beside texts.
type vandal struct {
	random  *rand.Rand
	account string
	calls   []slp.Message // invitations that it has sent
	id      uint32
}

func (v *vandal) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(v.random.Uint32())
	}
	return b
}

func (v *vandal) guid() string {
	b := v.bytes(16)
	return fmt.Sprintf("{%X-%X-%X-%X-%X}", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (v *vandal) object(kind slp.ObjectType) slp.Object {
	o := slp.NewObject(v.account, kind, v.bytes(20))
	o.Size = v.random.Uint64N(100_000)
	return o
}

// packets puts the body of packets into messages.
func (v *vandal) packets(bodies ...string) (messages []wire.Message) {
	to := alice
	if v.random.IntN(4) == 0 {
		to += ";" + v.guid()
	}
	head := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", slp.MediaType).With("P2P-Dest", to)
	if v.random.IntN(3) == 0 {
		head = head.With("P2P-Src", v.account+";"+v.guid())
	}
	for _, body := range bodies {
		messages = append(messages, wire.Message{Header: head, Body: body})
	}
	return messages
}

// says packs a message in MSNSLP.
func (v *vandal) says(text string) []wire.Message {
	v.id++
	var bodies []string
	for _, p := range slp.Split(text, v.id, v.random.Uint32()) {
		bodies = append(bodies, p.Body())
	}
	return v.packets(bodies...)
}

func (v *vandal) invites(o slp.Offer) slp.Message {
	o.Session = v.random.Uint32()
	at := slp.Call{Self: v.account, Peer: alice, ID: v.guid()}
	m := at.Request(slp.Invite, slp.SessionRequest, o.Body(v.random.IntN(2) == 0))
	v.calls = append(v.calls, m)
	return m
}

// anything returns the next messages.
func (v *vandal) anything() []wire.Message {
	typed := func(mediaType, body string) []wire.Message {
		return []wire.Message{{Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", mediaType), Body: body}}
	}
	switch v.random.IntN(12) {
	case 0:
		return v.packets(string(v.bytes(v.random.IntN(1400))))
	case 1, 2:
		f := slp.FileInfo{Name: string(v.bytes(v.random.IntN(600))), Size: v.random.Uint64N(1 << v.random.IntN(63)), Preview: v.bytes(v.random.IntN(2000))}
		return v.says(v.invites(slp.Offer{App: slp.AppFile, Kind: slp.File, Context: f.Context()}).Text())
	case 3:
		return v.says(v.invites(slp.Offer{App: slp.AppObject, Kind: slp.ForObject, Context: v.object(slp.ObjectPicture).Context()}).Text())
	case 4: // spoiled
		text := []byte(v.invites(slp.Offer{App: slp.AppFile, Kind: slp.File, Context: v.bytes(600)}).Text())
		for range v.random.IntN(20) {
			text[v.random.IntN(len(text))] = byte(v.random.Uint32())
		}
		return v.says(string(text[:v.random.IntN(len(text))]))
	case 5: // data for what was invited to, and for nothing
		p := slp.Packet{Session: v.random.Uint32(), ID: v.random.Uint32N(5), Offset: v.random.Uint64(), Total: v.random.Uint64(), Flags: 1 << v.random.IntN(32), Data: string(v.bytes(v.random.IntN(1202)))}
		if len(v.calls) > 0 {
			_, _ = fmt.Sscan(v.calls[v.random.IntN(len(v.calls))].Field("SessionID"), &p.Session)
		}
		return v.packets(p.Body())
	case 6:
		p := slp.Packet2{Op: uint8(v.random.IntN(4)), Sequence: v.random.Uint32(), HasAck: v.random.IntN(2) == 0, Payload: v.random.IntN(3) > 0, Kind: uint8(v.random.IntN(8)),
			Package: uint16(v.random.IntN(4)), Session: v.random.Uint32N(2), Remaining: v.random.Uint64N(1 << 20), Data: string(v.bytes(v.random.IntN(1100)))}
		return v.packets(p.Body())
	case 7:
		var list []slp.Emoticon
		for n := range v.random.IntN(8) {
			list = append(list, slp.Emoticon{Shortcut: fmt.Sprintf("t%d", n), Object: v.object(slp.ObjectEmoticon)})
		}
		return typed(slp.Emoticons, slp.EmoticonsBody(list)+strings.Repeat("\t", v.random.IntN(5)))
	case 8:
		return typed("text/x-msmsgsinvite; charset=UTF-8", "Application-Name: File Transfer\r\nApplication-GUID: {5D3E02AB-6190-11d3-BBBB-00C04F795683}\r\n"+
			fmt.Sprintf("Invitation-Command: INVITE\r\nInvitation-Cookie: %d\r\nApplication-File: ..\\%x\r\nApplication-FileSize: %d\r\n\r\n", v.random.Uint32N(100), v.bytes(4), v.random.Uint64()))
	case 9:
		id := 1 + v.random.IntN(4)
		return typed("text/x-msnmsgr-datacast", fmt.Sprintf("ID: %d\r\nData: %s\r\n\r\n", id, v.object([]slp.ObjectType{slp.ObjectWink, slp.ObjectVoice, slp.ObjectEmoticon}[v.random.IntN(3)])))
	case 10:
		return typed("application/x-ms-ink", "base64:"+base64.StdEncoding.EncodeToString(v.bytes(v.random.IntN(900))))
	}
	if len(v.calls) == 0 {
		return nil
	}
	of := v.calls[v.random.IntN(len(v.calls))]
	at := slp.Call{Self: v.account, Peer: alice, ID: of.CallID()}
	if v.random.IntN(2) == 0 {
		return v.says(at.Request([]string{slp.Bye, slp.Ack, slp.Invite, "X"}[v.random.IntN(4)], slp.SessionClose, slp.SessionBody(v.random.Uint32())).Text())
	}
	return v.says(at.Reply(of, []string{slp.OK, slp.Decline, slp.NoSuchCall, slp.InternalError}[v.random.IntN(4)], slp.SessionRequest, slp.SessionBody(v.random.Uint32())).Text())
}

// Three contacts at once send whatever comes to their minds beside texts: offers, lists of emoticons, packets that are none. All
// texts arrive, theirs, those of others and those of the user, in order, and nothing of it is left.
func TestFloodOfMediaLosesNoText(t *testing.T) {
	t.Parallel()
	const rounds, each, texts = 40, 20, 40
	srv := newTestServer(t)
	b := newTestBridge(t, srv, withFiles("20 MB", ""))
	var vandals []*msntest.Bot
	for i := range 3 {
		account := fmt.Sprintf("vandal%d@example.com", i)
		srv.AddAccount(account, pass, msntest.Name(fmt.Sprint("Vandal ", i)))
		srv.Befriend(alice, account)
		vandals = append(vandals, srv.Play(account, msntest.Script{}))
	}
	login := b.login()
	friend, heard := b.friend()
	room := b.dm(login, bob)
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)

	var all sync.WaitGroup
	want := make(map[string][]string) // by who writes
	for i, bot := range vandals {
		for n := range rounds {
			want[bot.Account().Email()] = append(want[bot.Account().Email()], fmt.Sprintf("t1 round %d of vandal %d", n, i))
		}
	}
	for n := range texts {
		want[bob] = append(want[bob], fmt.Sprintf("text %d of bob", n))
	}
	for i, bot := range vandals {
		account := bot.Account().Email()
		all.Go(func() {
			chat, err := bot.Call(b.ctx, alice)
			if err != nil {
				t.Error(err)
				return
			}
			v := &vandal{random: rand.New(rand.NewPCG(seed, uint64(i))), account: account}
			for _, text := range want[account] {
				for range each {
					for _, m := range v.anything() {
						if err := chat.Send(m); err != nil {
							t.Error(err)
							return
						}
					}
				}
				if err := chat.Say(text); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() {
		chat, err := friend.Call(b.ctx, alice) // by one conversation: what goes by several has no order
		if err != nil {
			t.Error(err)
			return
		}
		for _, text := range want[bob] {
			if err := chat.Say(text); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var written []string
	for n := range texts {
		text := fmt.Sprintf("text %d of alice", n)
		written = append(written, alice+": "+text)
		b.write(room, text)
	}
	all.Wait()
	var got []string
	for timeout := time.After(waitLimit); len(got) < len(written); {
		select {
		case text := <-heard:
			if strings.Contains(text, " of alice") {
				got = append(got, text)
			}
		case <-timeout:
			t.Fatalf("of %d texts to bob %d came", len(written), len(got))
		}
	}
	if !slices.Equal(got, written) {
		t.Errorf("to bob came %q", got)
	}
	for account, texts := range want {
		var came []string
		shown := func() []string {
			came = nil
			for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" && r.sender == b.ghostMXID(login, account) }) {
				if slices.Contains(texts, r.body) && !slices.Contains(came, r.body) { // and not with pictures, once more
					came = append(came, r.body)
				}
			}
			return came
		}
		b.eventually("all texts of "+account, func() bool { return len(shown()) == len(texts) })
		if !slices.Equal(came, texts) {
			t.Errorf("of %s came %q", account, came)
		}
	}
	if n := b.rows("file_coming"); n > 10 {
		t.Errorf("%d files come", n)
	}
	for _, bot := range vandals {
		bot.SignOut()
	}
	b.eventually("no file to come", func() bool { return b.rows("file_coming") == 0 })
	told := b.matrix.all(func(r record) bool { return r.kind == "message" && !slices.Contains(want[bob], r.body) })
	if most := 3 * (rounds + 60); len(told) > most || len(told) < 3*rounds+3 {
		t.Errorf("the rooms are told of %d things", len(told))
	}
}
