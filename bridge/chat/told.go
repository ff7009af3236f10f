package chat

import (
	"sync"

	"matrix-msn/msn"
)

// toldRequests are the people whose requests the user was told of, so that an answer without an
// address reaches nobody whom they have not heard of. It begins anew with the process: who still
// waits is told again at the next sign-in. The zero value is ready.
type toldRequests struct {
	mu       sync.Mutex
	accounts map[string]bool
}

// ToldRequest notes that the user was told that somebody waits for an answer.
func (c *Chat) ToldRequest(account string) {
	c.told.mu.Lock()
	defer c.told.mu.Unlock()
	if c.told.accounts == nil || len(c.told.accounts) >= msn.MaxContacts {
		c.told.accounts = make(map[string]bool)
	}
	c.told.accounts[account] = true
}

// KnowsOfRequest reports whether the user was told that somebody waits for an answer.
func (c *Chat) KnowsOfRequest(account string) bool {
	c.told.mu.Lock()
	defer c.told.mu.Unlock()
	return c.told.accounts[account]
}

// Withdrawn returns those whom the user was told of and who have taken their request back, once
// each. Whom the user has answered is forgotten.
func (c *Chat) Withdrawn(client *msn.Client) (accounts []string) {
	c.told.mu.Lock()
	defer c.told.mu.Unlock()
	for account := range c.told.accounts {
		contact, _ := client.Contact(account)
		if WaitsForAnswer(contact) {
			continue
		}
		delete(c.told.accounts, account)
		if !contact.Lists.Has(msn.ListAllow) && !contact.Lists.Has(msn.ListBlock) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}
