package chat

import "slices"

// attendance is who is in a session besides the user, and where. From MSNP16 on servers tell each
// endpoint of an account, and then the account itself.
type attendance struct {
	people    []string            // in order of coming
	endpoints map[string][]string // without those who do not tell, and with the user's own others
}

// present reports whether somebody is there.
func (a *attendance) present(account string) bool { return slices.Contains(a.people, account) }

// group reports whether several people are there besides the user.
func (a *attendance) group() bool { return len(a.people) > 1 }

// others returns who is there besides from and the user.
func (a *attendance) others(from string) []string {
	others := slices.DeleteFunc(slices.Clone(a.people), func(p string) bool { return p == from })
	if len(others) == 0 {
		return nil
	}
	return others
}

// enter notes that somebody is there. It reports false when that was known, or too many are.
func (a *attendance) enter(account string) bool {
	if a.present(account) || len(a.people) >= MaxParticipants {
		return false
	}
	a.people = append(a.people, account)
	return true
}

// come notes that somebody is there, perhaps with an endpoint. It reports whether they were not, and
// whether the endpoint is another one. Of those beyond the limit endpoints are not noted either. The
// user is not among the people, wherever else they are signed in.
func (a *attendance) come(account, endpoint string, user bool) (isNew, isNewAt bool) {
	isNew = !user && a.enter(account)
	return isNew, (user || a.present(account)) && a.enterAt(account, endpoint)
}

// enterAt notes an endpoint of somebody's. It reports false when it was known, or too many are.
func (a *attendance) enterAt(account, endpoint string) bool {
	known := a.endpoints[account]
	if endpoint == "" || len(known) >= maxEndpoints || slices.Contains(known, endpoint) {
		return false
	}
	if a.endpoints == nil {
		a.endpoints = make(map[string][]string)
	}
	a.endpoints[account] = append(known, endpoint)
	return true
}

// exit notes that somebody has left: an endpoint of theirs, or, where it is "", all of them. It
// reports whether they are gone, who were there.
func (a *attendance) exit(account, endpoint string) (gone bool) {
	if endpoint != "" {
		if left := slices.DeleteFunc(a.endpoints[account], func(other string) bool { return other == endpoint }); len(left) > 0 {
			a.endpoints[account] = left
			return false
		}
	}
	delete(a.endpoints, account)
	if !a.present(account) { // the user, or somebody beyond the limit
		return false
	}
	a.people = slices.DeleteFunc(a.people, func(p string) bool { return p == account })
	return true
}
