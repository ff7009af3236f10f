package doctor

import "testing"

// Servers say part of what is printed: that stays on one line and moves no cursor.
func TestFindingIsOneLineOfText(t *testing.T) {
	t.Parallel()
	f := Finding{Level: Bad, About: "service x", Says: "a\x1b[2J server\r\nok    config\u009b1A says\x00 this"}
	if got, want := f.String(), "fail  service x          a[2J server ok config1A says this"; got != want {
		t.Errorf("%q", got)
	}
}
