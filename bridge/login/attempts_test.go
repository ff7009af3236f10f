package login

import (
	"fmt"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

func TestWrongPasswordsAreLimitedPerAccountAndPerUser(t *testing.T) {
	t.Parallel()
	var a attempts
	now := time.Date(2009, 2, 14, 0, 0, 0, 0, time.UTC)
	for i := range accountAttempts {
		user := id.UserID(fmt.Sprintf("@u%d:x", i)) // several users at one account
		if wait := a.wait("home/victim@example.com", user, now); wait != 0 {
			t.Fatalf("attempt %d has to wait for %v", i, wait)
		}
		a.failed("home/victim@example.com", user, now)
	}
	if wait := a.wait("home/victim@example.com", "@new:x", now); wait <= 0 || wait > accountEvery {
		t.Errorf("after %d wrong passwords the next has to wait for %v", accountAttempts, wait)
	}
	if wait := a.wait("home/other@example.com", "@new:x", now); wait != 0 {
		t.Errorf("another account has to wait for %v", wait)
	}
	if wait := a.wait("home/victim@example.com", "@new:x", now.Add(accountEvery)); wait != 0 {
		t.Errorf("after %v it still has to wait for %v", accountEvery, wait)
	}
	for i := range userAttempts { // one user at several accounts
		a.failed(networkid.UserLoginID(fmt.Sprintf("home/a%d@example.com", i)), "@u:x", now)
	}
	if wait := a.wait("home/new@example.com", "@u:x", now); wait <= 0 || wait > userEvery {
		t.Errorf("after %d wrong passwords the user has to wait for %v", userAttempts, wait)
	}
	for i := range 2 * maxRemembered {
		a.failed(networkid.UserLoginID(fmt.Sprintf("home/b%d@example.com", i)), id.UserID(fmt.Sprintf("@b%d:x", i)), now)
	}
	if len(a.limiters) > maxRemembered {
		t.Errorf("%d are remembered", len(a.limiters))
	}
	if wait := a.wait("home/new@example.com", "@u:x", now); wait <= 0 {
		t.Error("a crowd of others made the bridge forget a user who has to wait")
	}
}
