package passport

import "testing"

func TestCreds(t *testing.T) {
	// The vector of protocol/07-misc-founding-spec.md, section 2.3.
	got := Creds("2AAAAAAAADMoV8ORoz64BVwmjtksIg!kmR!Rj5tBBqEaW9hc4YnPHSOQ$$", "100", "secret")
	if want := "cd7cadce47f9e28a46ab8e9af890aa3e"; got != want {
		t.Errorf("creds are %q, want %q", got, want)
	}
}
