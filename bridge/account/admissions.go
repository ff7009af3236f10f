package account

import (
	"slices"
	"time"
)

// Admissions are the people for whom rooms may be made though the user does not know them.
type Admissions struct {
	// Since is when the first of them came.
	Since time.Time `json:"since,omitzero"`
	// Accounts are they. It is replaced, never changed in place.
	Accounts []string `json:"accounts,omitempty"`
}

// Admit admits somebody, unless most others were within a time. It returns the admissions
// after that, and until when that time lasts. Who was admitted is not counted again.
func (a Admissions) Admit(account string, now time.Time, within time.Duration, most int) (after Admissions, admitted bool, until time.Time) {
	// A clock that was set back must not have people wait for longer.
	if age := now.Sub(a.Since); age >= within || age < 0 {
		a = Admissions{Since: now.UTC().Round(0)}
	}
	switch until = a.Since.Add(within); {
	case slices.Contains(a.Accounts, account):
		return a, true, until
	case len(a.Accounts) >= most:
		return a, false, until
	}
	a.Accounts = append(slices.Clone(a.Accounts), account)
	return a, true, until
}
