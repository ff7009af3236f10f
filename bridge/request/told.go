package request

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

// NoteTold notes that the user was told that somebody waits for an answer.
func (r *Requests) NoteTold(account string) {
	r.heard.mu.Lock()
	defer r.heard.mu.Unlock()
	if r.heard.accounts == nil || len(r.heard.accounts) >= msn.MaxContacts {
		r.heard.accounts = make(map[string]bool)
	}
	r.heard.accounts[account] = true
}

// Knows reports whether the user was told that somebody waits for an answer.
func (r *Requests) Knows(account string) bool {
	r.heard.mu.Lock()
	defer r.heard.mu.Unlock()
	return r.heard.accounts[account]
}

// Withdrawn returns those whom the user was told of and who have taken their request back, once
// each. Whom the user has answered is forgotten.
func (r *Requests) Withdrawn(client *msn.Client) (accounts []string) {
	r.heard.mu.Lock()
	defer r.heard.mu.Unlock()
	for account := range r.heard.accounts {
		contact, _ := client.Contact(account)
		if contact.WaitsForAnswer() {
			continue
		}
		delete(r.heard.accounts, account)
		if !contact.Lists.Has(msn.ListAllow) && !contact.Lists.Has(msn.ListBlock) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}
