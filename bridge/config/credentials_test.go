package config

import (
	"errors"
	"sync"
	"testing"
)

// The cipher is kept, and the key that counts is the one that is set now; several open passwords at the same time.
func TestPasswordsAreOpenedWithTheKeyThatIsSet(t *testing.T) {
	t.Parallel()
	const login = "home/alice@example.com"
	var c Config
	if err := c.compile(); err != nil {
		t.Fatal(err)
	}
	c.CredentialKey = newKey()
	first, err := c.SealPassword(login, "secret1")
	if err != nil {
		t.Fatal(err)
	}
	opens := func(sealed, want string) {
		t.Helper()
		if got, err := c.OpenPassword(login, sealed); got != want || (want == "") != errors.Is(err, ErrCredentials) {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
	var opening sync.WaitGroup
	for range 8 {
		opening.Go(func() { opens(first, "secret1") })
	}
	opening.Wait()
	if _, err := c.OpenPassword("home/bob@example.com", first); !errors.Is(err, ErrCredentials) {
		t.Errorf("it is opened for another login: %v", err)
	}
	c.CredentialKey = newKey()
	opens(first, "")
	second, err := c.SealPassword(login, "secret2")
	if err != nil {
		t.Fatal(err)
	}
	opens(second, "secret2")
	opens(first, "")
}
