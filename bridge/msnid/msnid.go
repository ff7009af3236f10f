// Package msnid maps MSN identities to the identifiers of the bridge framework
// and back. Nothing else casts between the two, so that an address is spelled
// the same way wherever it is stored.
//
// The key of the service ("escargot") is part of every identity: two services
// can both have a bob@example.com, who are two people.
package msnid

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// MaxAccount is the longest account name in bytes (protocol/00-overview.md,
// section 4).
const MaxAccount = 129

// Identity is one account at one service.
type Identity struct {
	Service string // key in network.services
	Account string // e-mail address in lower case
}

// String returns "service/account".
func (i Identity) String() string { return i.Service + "/" + i.Account }

// ParseAccount cleans and checks an e-mail address that a person typed: blanks
// around it, a "mailto:" before it and letter case do not count. The error says
// what is wrong with it.
func ParseAccount(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "mailto:")
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case s == "":
		return "", fmt.Errorf("the e-mail address is empty")
	case len(s) > MaxAccount:
		return "", fmt.Errorf("the e-mail address is longer than %d bytes", MaxAccount)
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return "", fmt.Errorf("an MSN account is an e-mail address such as bob@example.com")
	}
	for _, r := range s {
		if r == unicode.ReplacementChar || r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return "", fmt.Errorf("the e-mail address holds a character that no address has")
		}
	}
	return s, nil
}

// FromServer returns the spelling under which an account that a server named is
// stored. It reports false for what is no account.
func FromServer(account string) (string, bool) {
	account, err := ParseAccount(account)
	return account, err == nil
}

func parse(s string) (Identity, bool) {
	service, account, ok := strings.Cut(s, "/")
	if !ok || !ValidService(service) {
		return Identity{}, false
	}
	clean, err := ParseAccount(account)
	if err != nil || clean != account {
		return Identity{}, false
	}
	return Identity{Service: service, Account: account}, true
}

// ValidService reports whether s can be the key of a service: 1 to 32 lower-case
// letters, digits, '-' and '_'.
func ValidService(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}

// MakeUserID returns the ID of a contact's ghost.
func MakeUserID(i Identity) networkid.UserID { return networkid.UserID(i.String()) }

// ParseUserID undoes MakeUserID.
func ParseUserID(u networkid.UserID) (Identity, bool) { return parse(string(u)) }

// MakeLoginID returns the ID of a login.
func MakeLoginID(i Identity) networkid.UserLoginID { return networkid.UserLoginID(i.String()) }

// ParseLoginID undoes MakeLoginID.
func ParseLoginID(l networkid.UserLoginID) (Identity, bool) { return parse(string(l)) }

const dmPrefix = "dm:"

// MakeDMPortalKey returns the key of the room in which login talks to account.
// It always has a receiver: MSN has no room that two accounts would share.
func MakeDMPortalKey(login networkid.UserLoginID, account string) networkid.PortalKey {
	return networkid.PortalKey{ID: networkid.PortalID(dmPrefix + account), Receiver: login}
}

// ParseDMPortalID returns the contact's account of a DM portal. It reports false
// for portals of another kind.
func ParseDMPortalID(p networkid.PortalID) (string, bool) {
	account, ok := strings.CutPrefix(string(p), dmPrefix)
	if !ok {
		return "", false
	}
	clean, err := ParseAccount(account)
	return account, err == nil && clean == account
}

// MakeChatMessageID returns the ID of a message that came through a switchboard:
// session, number of the message from its sender in it, part of the message from
// 0, and when it came, because servers begin anew with their session numbers. It
// is made once, on arrival.
func MakeChatMessageID(session, sender string, seq, part int, at time.Time) networkid.MessageID {
	return networkid.MessageID(strings.Join([]string{"chat", session, sender,
		strconv.Itoa(seq), strconv.Itoa(part), strconv.FormatInt(at.UnixMilli(), 10)}, "/"))
}

// MakeSentMessageID returns the ID of a message that went from Matrix to MSN.
func MakeSentMessageID(evt id.EventID) networkid.MessageID {
	return networkid.MessageID("sent/" + string(evt))
}
