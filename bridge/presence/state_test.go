package presence

import (
	"strings"
	"testing"
	"unicode/utf8"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
)

func TestStates(t *testing.T) {
	t.Parallel()
	const away, here = event.PresenceUnavailable, event.PresenceOnline
	for _, test := range []struct {
		contact msn.Contact
		want    State
	}{
		{msn.Contact{Status: msn.Online}, State{here, "", ""}},
		{msn.Contact{Status: msn.Busy}, State{away, "Busy", ""}},
		{msn.Contact{Status: msn.Idle}, State{away, "Idle", ""}},
		{msn.Contact{Status: msn.BeRightBack}, State{away, "Be right back", ""}},
		{msn.Contact{Status: msn.Away}, State{away, "Away", ""}},
		{msn.Contact{Status: msn.OnThePhone}, State{away, "On the phone", ""}},
		{msn.Contact{Status: msn.OutToLunch}, State{away, "Out to lunch", ""}},
		{msn.Contact{Status: msn.Hidden, Personal: "x"}, offline},
		{msn.Contact{Status: msn.Offline, Personal: "x", Media: `\0Music\01\0{0}\0Song\0`}, offline},
		{msn.Contact{}, offline},
		{msn.Contact{Status: msn.Online, Personal: "Gone sailing"}, State{here, "Gone sailing", ""}},
		{msn.Contact{Status: msn.Online, Personal: "[c=4]Gone[/c] ·$4sailing·0"}, State{here, "Gone sailing", ""}},
		{msn.Contact{Status: msn.Busy, Personal: " Gone\r\n\u202esailing ", Media: `WMP\0Music\01\0{0} - {1}\0Title\0Artist\0Album\0\0`}, State{away, "Busy · Gone sailing · ♫ Title - Artist", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\01\0{1} - {0}\0Title\0Artist\0`}, State{here, "♫ Artist - Title", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\01\0{0} - {1}\0Title\0\0`}, State{here, "♫ Title", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Games\01\0Playing {0}\0Chess\0`}, State{here, "Playing Chess", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\00\0{0}\0Title\0`}, State{here, "", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\01\0{0}`}, State{here, "♫ {0}", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\01\0{0}{1}\0{1}\0x\0`}, State{here, "♫ {1}x", ""}},
		{msn.Contact{Status: msn.Online, Media: `\0Music\01`}, State{here, "", ""}},
		{msn.Contact{Status: msn.Online, Media: `nonsense`}, State{here, "", ""}},
	} {
		if got := Of(test.contact); got != test.want {
			t.Errorf("%+v is shown as %+v, want %+v", test.contact, got, test.want)
		}
	}
}

// A profile says what the status message says, with an emoji, of whom there is something to say.
func TestStatusInProfiles(t *testing.T) {
	t.Parallel()
	const song = `\0Music\01\0{0}\0Title\0`
	for _, test := range []struct {
		contact msn.Contact
		want    State
	}{
		{msn.Contact{Status: msn.Online}, offline},
		{msn.Contact{Status: msn.Offline, Personal: "x"}, offline},
		{msn.Contact{Status: msn.Hidden, Personal: "x"}, offline},
		{msn.Contact{Status: msn.Busy}, State{event.PresenceUnavailable, "Busy", "⛔"}},
		{msn.Contact{Status: msn.OutToLunch, Personal: "x"}, State{event.PresenceUnavailable, "Out to lunch · x", "🍴"}},
		{msn.Contact{Status: msn.Online, Personal: "x"}, State{event.PresenceOnline, "x", "💬"}},
		{msn.Contact{Status: msn.Online, Media: song}, State{event.PresenceOnline, "♫ Title", "🎵"}},
		{msn.Contact{Status: msn.Online, Personal: "x", Media: song}, State{event.PresenceOnline, "x · ♫ Title", "💬"}},
	} {
		if got := inProfile(test.contact); got != test.want {
			t.Errorf("%+v has %+v in the profile, want %+v", test.contact, got, test.want)
		}
	}
	for status, name := range statusNames {
		got := inProfile(msn.Contact{Status: status, Personal: strings.Repeat("♥", 300)})
		if got.Emoji == "" || len(got.Emoji) > 32 || len(got.Text) > maxField || len(got.Text) < maxField-3 || !strings.HasPrefix(got.Text, name) || !utf8.ValidString(got.Text) {
			t.Errorf("%v with a long text is %d bytes with %q", status, len(got.Text), got.Emoji)
		}
	}
}

// Whatever contacts write, it is one line that is no longer than so much.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for name, contact := range map[string]msn.Contact{
		"long text":     {Personal: strings.Repeat("♥", 2048/3)},
		"many places":   {Media: `\0Music\01\0` + strings.Repeat("{0}", 500) + `\0` + strings.Repeat("x", 500)},
		"many values":   {Media: `\0Music\01\0{0}{11}` + strings.Repeat(`\0x`, 800)},
		"line ends":     {Personal: "a\nb\r\n\u2028c\x00"},
		"marks":         {Personal: "\u202e\u2066\u200f\ufeff"},
		"invalid bytes": {Personal: "\xff\xfe", Media: `\0Music\01\0` + "\xff"},
	} {
		contact.Status = msn.Busy
		state := Of(contact)
		if n := utf8.RuneCountInString(state.Text); n > MaxText || strings.ContainsAny(state.Text, "\r\n\x00\u2028\u202e\u2066") || !utf8.ValidString(state.Text) {
			t.Errorf("%s: %d characters, %q", name, n, state.Text)
		}
	}
}
