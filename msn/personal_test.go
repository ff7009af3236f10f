package msn_test

import (
	"errors"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// What one says of themselves the other sees, in every dialect that has it: when it is set,
// when it is taken back, and who signs in later sees what is set then.
func TestServicePersonalMessageIsSet(t *testing.T) {
	inAllDialects(t, func(t *testing.T, srv *msntest.Server, d wire.Dialect) {
		a := signIn(t, webConfig(srv, alice, d))
		if d < wire.FirstPersonal {
			if err := a.SetPersonal(t.Context(), "Gone sailing"); !errors.Is(err, msn.ErrDialect) {
				t.Errorf("error %v", err)
			}
			return
		}
		b := signIn(t, webConfig(srv, bob, d))
		b.waitPresence(alice, msn.Online)
		says := func(text string) func(msn.PersonalMessageChanged) bool {
			return func(e msn.PersonalMessageChanged) bool {
				return e.Contact.Account == alice && e.Contact.Personal == text && e.Contact.Media == ""
			}
		}
		for _, text := range []string{"Gone <sailing> & \"more\" ♥", "", "Back"} {
			if err := a.SetPersonal(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			wait(b, "the personal message", says(text))
		}
		b.quit()
		wait(signIn(t, webConfig(srv, bob, d)), "the personal message at sign-in", says("Back"))
	})
}
