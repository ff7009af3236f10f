package bridge

import (
	"testing"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// A row that was stored although the database has said otherwise is put right by the next sign-in.
func TestContactThatMayHaveBeenStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Play(bob, msntest.Script{})
	b := newTestBridge(t, srv)
	login := b.login()
	stored := func() *database.Contact {
		rows, err := b.conn.db.Contact.GetAll(b.ctx, login.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.Account == bob {
				return row
			}
		}
		return nil
	}
	b.eventually("the contact to be stored", func() bool { return b.signedIn(login.ID) && stored() != nil })
	before := *stored()
	client := b.conn.clientsOf(b.ctx, fakeUser)[0]
	contact, known := client.session.Current().Contact(bob)
	if !known {
		t.Fatal("the contact is not known")
	}
	contact.Name, contact.Told = "Robert", "Robert"
	rename := func(from, to string) {
		if _, err := b.br.DB.Exec(b.ctx, "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	rename("contact", "elsewhere")
	client.session.Dispatch(b.ctx, msn.ContactChanged{Contact: contact, Before: contact.Lists})
	rename("elsewhere", "contact")
	after := before
	after.Name = "Robert"
	if err := b.conn.db.Contact.Put(b.ctx, &after); err != nil { // so that it was committed all the same
		t.Fatal(err)
	}
	if err := srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	b.eventually("the name that the service tells", func() bool { return stored().Name == before.Name })
}
