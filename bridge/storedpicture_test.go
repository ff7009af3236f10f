package bridge

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"

	"matrix-msn/msn/msntest"
)

// keptPicture returns the colour of the picture that the service keeps of the user, nil for none.
func (b *testBridge) keptPicture() color.Color {
	data := b.srv.Account(alice).StoredPicture()
	if data == nil {
		return nil
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	return color.NRGBAModel.Convert(picture.At(48, 48))
}

// A picture that the service keeps is shown from the first sign-in on. One that the user chooses is kept there,
// also when the service did not take it at once, and what another place of theirs stores later stays.
func TestPictureThatTheServiceKeeps(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Account(alice).StorePicture(painted(t, 96, 96, red))
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	login := b.login()
	friend := b.messenger(bob)
	own := login.Client.(*Client).own
	set := func(c color.Color) {
		t.Helper()
		var data []byte
		if c != nil {
			data = painted(t, 50, 50, c)
		}
		if err := own.Set(b.ctx, "mxc://example.test/x", data); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(shown, kept color.Color) {
		t.Helper()
		b.eventually("the picture that contacts see", func() bool { return friend.looks(t) == shown })
		b.eventually("the picture that is kept", func() bool { return b.keptPicture() == kept })
	}
	sees(red, red)
	set(blue)
	sees(blue, blue)
	set(nil)
	sees(nil, nil)
	// The service is out of order.
	mend := b.srv.Hook(msntest.OnSOAP("GetProfile", msntest.Respond(500, nil, "")))
	set(red)
	sees(red, nil)
	mend()
	b.restart()
	sees(red, red)
	b.eventually("the bridge to know that it is kept", func() bool {
		mark := b.br.GetCachedUserLoginByID(login.ID).Client.(*Client).account.Stored().StoredPicture
		return mark != nil && *mark != ""
	})
	// Another place stores one.
	srv.Account(alice).StorePicture(painted(t, 96, 96, blue))
	b.restart()
	b.eventually("the login", func() bool { return friend.looks(t) == red })
	if got := b.keptPicture(); got != blue {
		t.Errorf("the service keeps %v", got)
	}
}

// Who keeps none at the service shows none, and is not asked again.
func TestNoPictureThatTheServiceKeeps(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv, speaking(srv, "MSNP18"))
	login := b.login()
	b.eventually("the service to be asked", func() bool { return login.Client.(*Client).account.Stored().StoredPicture != nil })
	srv.Account(alice).StorePicture(painted(t, 96, 96, red))
	b.restart()
	if got := b.messenger(bob).looks(t); got != nil {
		t.Errorf("contacts see %v", got)
	}
}
