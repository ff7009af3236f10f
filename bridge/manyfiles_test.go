package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// senders signs in so many contacts of the user's, besides bob.
func (b *testBridge) senders(n int) (contacts []string, clients []*fileClient) {
	b.Helper()
	for i := range n {
		account := fmt.Sprintf("friend%d@example.com", i)
		b.srv.AddAccount(account, pass, msntest.Name(fmt.Sprint("Friend ", i)))
		b.srv.Befriend(alice, account)
		contacts = append(contacts, account)
	}
	b.login()
	for _, account := range contacts {
		clients = append(clients, b.sendsFiles(account))
		b.sees(account)
	}
	return contacts, clients
}

// Ten files may be offered to a user at once, of whomever; when one is decided about there is room for the next.
func TestManyFilesOfManyContactsAtOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withFiles("0", ""))
	contacts, clients := b.senders(4)
	for i := range 10 {
		name := fmt.Sprint("file", i)
		clients[i/3].sends(b.ctx, name, strings.NewReader("x"), 1)
		b.told("offers the file “" + name + "” (1 byte). Write")
	}
	b.ends("the eleventh", clients[3].sends(b.ctx, "more", strings.NewReader("x"), 1), msn.ErrDeclined)
	b.told("The bridge has declined it, because too many files are on their way at once.")
	portal, err := b.br.GetExistingPortalByKey(b.ctx, b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).account.PortalKey(contacts[0]))
	if err != nil || portal == nil {
		t.Fatal(portal, err)
	}
	b.ask(portal.MXID, "!decline")
	b.eventually("room for another one", func() bool { return b.rows("file_coming") == 9 })
	clients[3].sends(b.ctx, "last", strings.NewReader("x"), 1)
	b.told("offers the file “last” (1 byte). Write")
}

// Ten files of a user are under way at once; the others are offered when one of them has arrived.
func TestManyFilesToManyContactsAtOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	contacts, clients := b.senders(4)
	login := b.br.GetCachedUserLoginByID(loginID(alice))
	for _, contact := range contacts {
		room := b.dm(login, contact)
		for i := range 3 {
			b.sendsFile(room, event.MsgFile, fmt.Sprint(i), "", []byte("x"), false)
		}
	}
	var offers []msn.FileOffered
	collect := func(want int) {
		t.Helper()
		for timeout := time.After(waitLimit); len(offers) < want; {
			select {
			case o := <-clients[0].offers:
				offers = append(offers, o)
			case o := <-clients[1].offers:
				offers = append(offers, o)
			case o := <-clients[2].offers:
				offers = append(offers, o)
			case o := <-clients[3].offers:
				offers = append(offers, o)
			case <-timeout:
				t.Fatalf("%d files are offered, want %d", len(offers), want)
			}
		}
	}
	collect(10)
	b.eventually("all to be claimed", func() bool { return b.rows("file_queue") == 12 })
	for _, m := range clients {
		if n := len(m.offers); n > 0 {
			t.Errorf("%d more are offered", n)
		}
	}
	for i := range 12 {
		collect(i + 1)
		b.accept(offers[i])
	}
	b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
}
