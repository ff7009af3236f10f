package bridge

import (
	"fmt"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Many contacts have a picture that never comes, which is waited for: what a room is to be told does not wait for them.
func TestNoticesDoNotWaitForPicturesThatNeverCome(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	const many = 40
	silent := make([]string, many)
	for i := range silent {
		silent[i] = fmt.Sprintf("silent%d@example.com", i)
		srv.AddAccount(silent[i], pass)
		srv.Befriend(alice, silent[i])
		srv.Play(silent[i], msntest.Script{})
	}
	b := newTestBridge(t, srv)
	login := b.login()
	client := login.Client.(*Client)
	room := b.dm(login, bob)
	for i, account := range silent {
		if _, err := b.br.GetGhostByID(b.ctx, client.account.GhostID(account)); err != nil { // they have one from here on
			t.Fatal(err)
		}
		o := slp.NewObject(account, slp.ObjectPicture, fmt.Append(nil, "a picture ", i))
		if err := srv.Push(alice, wire.New("NLN", "NLN", account, account, "0", wire.Encode(o.String()))); err != nil {
			t.Fatal(err)
		}
	}
	b.eventually("pictures to be asked for", func() bool { return srv.Switchboards(alice) > 0 })
	b.write(room, "hello")
	b.tells(room, "The bridge keeps your message and sends it when they are seen online, within 7 days.")
}
