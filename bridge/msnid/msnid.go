// Package msnid maps MSN identities to the identifiers of the bridge framework
// and back. Nothing else casts between the two, so that an address is spelled
// the same way wherever it is stored.
//
// The key of the service ("escargot") is part of every identity: two services
// can both have a bob@example.com, who are two people.
package msnid

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/internal/fold"
)

// MaxAccount is the longest account name in bytes (protocol/00-overview.md,
// section 4).
const MaxAccount = 129

// maxLocalpart is the longest account in bytes in the form that it has in Matrix IDs, where
// signs take two and three. With the name of a service and that of a homeserver it is in the
// 255 that a Matrix ID may have.
const maxLocalpart = 145

// Identity is one account at one service.
type Identity struct {
	Service string // key in network.services
	Account string // e-mail address in lower case
}

// String returns "service/account".
func (i Identity) String() string { return i.Service + "/" + i.Account }

// What is wrong with an e-mail address that a person typed.
var (
	ErrEmptyAccount     = errors.New("the e-mail address is empty")
	ErrLongAccount      = fmt.Errorf("the e-mail address is longer than %d bytes", MaxAccount)
	ErrLongID           = errors.New("the e-mail address makes a Matrix ID that is too long")
	ErrNoAccount        = errors.New("an MSN account is an e-mail address such as bob@example.com")
	ErrAccountCharacter = errors.New("the e-mail address holds a character that no address has")
)

// ParseAccount cleans and checks an e-mail address that a person typed: blanks
// around it, a "mailto:" before it, the signs around addresses in sentences and letter case do not count.
func ParseAccount(s string) (string, error) {
	s = strings.TrimSpace(strings.TrimLeft(strings.TrimRight(s, aroundAddresses+". \t\r\n"), "< \t\r\n"))
	if len(s) >= len(mailto) && strings.EqualFold(s[:len(mailto)], mailto) {
		s = strings.TrimSpace(s[len(mailto):])
	}
	if strings.ContainsAny(s, aroundAddresses) {
		return "", ErrAccountCharacter
	}
	return parseAccount(s)
}

// aroundAddresses are signs that stand around addresses, and between several.
const aroundAddresses = "<>,;"

// mailto is what stands before addresses in links.
const mailto = "mailto:"

// parseAccount checks an e-mail address in any letter case, which is to have a ghost.
func parseAccount(typed string) (string, error) {
	s, err := parseStored(typed)
	// Each byte becomes three at most: of nearly all the form itself is not needed.
	if err == nil && 3*len(s) > maxLocalpart && len(id.EncodeUserLocalpart(s)) > maxLocalpart {
		return "", ErrLongID
	}
	return s, err
}

// parseStored is parseAccount for one that may have been stored when longer ones were taken.
func parseStored(typed string) (string, error) {
	s := strings.ToLower(typed)
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case s == "":
		return "", ErrEmptyAccount
	case len(s) > MaxAccount:
		return "", ErrLongAccount
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return "", ErrNoAccount
	}
	for _, r := range typed {
		if r == unicode.ReplacementChar || r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) || fold.Foreign(r) {
			return "", ErrAccountCharacter
		}
	}
	if strings.HasPrefix(s, mailto) {
		return "", ErrAccountCharacter
	}
	return s, nil
}

// FromServer returns the spelling under which an account that a server named is
// stored. It reports false for what is no account. Only letter case does not count: one that
// begins with "mailto:" is not the one without it.
func FromServer(account string) (string, bool) {
	account, err := parseAccount(account)
	return account, err == nil
}

func parse(s string) (Identity, bool) {
	service, account, ok := strings.Cut(s, "/")
	if !ok || !ValidService(service) {
		return Identity{}, false
	}
	clean, err := parseStored(account)
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
	clean, ok := FromServer(account)
	return account, ok && clean == account
}

const groupPrefix = "group:"

// maxGroupID is the longest ID of a group chat, in bytes; the client's have 38.
const maxGroupID = 64

// MakeGroupPortalKey returns the key of the room of a group chat of login.
func MakeGroupPortalKey(login networkid.UserLoginID, group string) networkid.PortalKey {
	return networkid.PortalKey{ID: networkid.PortalID(groupPrefix + group), Receiver: login}
}

// ParseGroupPortalID returns the ID of a group chat. It reports false for portals of
// another kind.
func ParseGroupPortalID(p networkid.PortalID) (string, bool) {
	group, ok := strings.CutPrefix(string(p), groupPrefix)
	return group, ok && group != "" && len(group) <= maxGroupID
}

const circlePrefix = "circle:"

// maxCircleID is the longest ID of a circle, in bytes; real ones have 45.
const maxCircleID = 254

// MakeCirclePortalKey returns the key of the room of a circle that login belongs to.
func MakeCirclePortalKey(login networkid.UserLoginID, circle string) networkid.PortalKey {
	return networkid.PortalKey{ID: networkid.PortalID(circlePrefix + circle), Receiver: login}
}

// ParseCirclePortalID returns the ID of a circle. It reports false for portals of
// another kind.
func ParseCirclePortalID(p networkid.PortalID) (string, bool) {
	circle, ok := strings.CutPrefix(string(p), circlePrefix)
	return circle, ok && circle != "" && len(circle) <= maxCircleID
}

// MakeChatMessageID returns the ID of a message that came through a switchboard:
// session, number of the message from its sender in it, part of the message from
// 0, and when it came, because servers begin anew with their session numbers. It
// is made once, on arrival.
func MakeChatMessageID(session, sender string, seq, part int, at time.Time) networkid.MessageID {
	return networkid.MessageID(strings.Join([]string{"chat", session, sender,
		strconv.Itoa(seq), strconv.Itoa(part), strconv.FormatInt(at.UnixMilli(), 10)}, "/"))
}

const offlinePrefix = "offline/"

// MakeOfflineMessageID returns the ID of a part of an offline message, from 0, that
// the service knows by this ID.
func MakeOfflineMessageID(id string, part int) networkid.MessageID {
	return networkid.MessageID(offlinePrefix + strconv.Itoa(part) + "/" + id)
}

// ParseOfflineMessageID returns the service's ID of an offline message.
func ParseOfflineMessageID(m networkid.MessageID) (id string, part int, ok bool) {
	rest, ok := strings.CutPrefix(string(m), offlinePrefix)
	number, id, cut := strings.Cut(rest, "/")
	part, err := strconv.Atoi(number)
	return id, part, ok && cut && err == nil && strconv.Itoa(part) == number && id != ""
}

// MakeSentMessageID returns the ID of a message that went from Matrix to MSN.
func MakeSentMessageID(evt id.EventID) networkid.MessageID {
	return networkid.MessageID("sent/" + string(evt))
}

// alertsName is the part of IDs that stands for the alerts of a login. It has no
// "@", so that it is nobody's account.
const alertsName = "alerts"

// MakeAlertsPortalKey returns the key of the room in which the service's alerts
// for a login are shown.
func MakeAlertsPortalKey(login networkid.UserLoginID) networkid.PortalKey {
	return networkid.PortalKey{ID: alertsName, Receiver: login}
}

// IsAlertsPortalID reports whether a portal is the one of MakeAlertsPortalKey.
func IsAlertsPortalID(p networkid.PortalID) bool { return p == alertsName }

// MakeAlertsUserID returns the ID of the ghost that shows the alerts of a service.
func MakeAlertsUserID(service string) networkid.UserID {
	return networkid.UserID(service + "/" + alertsName)
}

// IsAlertsUserID reports whether a ghost is one of MakeAlertsUserID.
func IsAlertsUserID(u networkid.UserID) bool {
	service, name, ok := strings.Cut(string(u), "/")
	return ok && name == alertsName && ValidService(service)
}

// maxIDPart is the longest part of an alert's ID that a server chooses, in bytes.
// Real ones are numbers.
const maxIDPart = 64

// MakeAlertMessageID returns the ID of one message of an alert: where it comes
// from, its IDs there, and a hash of its content, because IDs begin anew with each
// session. occurrence tells alerts without IDs apart that are the same otherwise;
// "" for those that have IDs.
func MakeAlertMessageID(site, notification, message, occurrence string, content ...string) networkid.MessageID {
	parts := []string{"alert", idPart(site), idPart(notification), idPart(message), hashOf(content...)}
	if occurrence != "" {
		parts = append(parts, idPart(occurrence))
	}
	return networkid.MessageID(strings.Join(parts, "/"))
}

// MakeNoticeMessageID returns the ID of a notice of another kind, which is the same
// for the same content.
func MakeNoticeMessageID(kind string, content ...string) networkid.MessageID {
	return networkid.MessageID(strings.Join([]string{kind, hashOf(content...)}, "/"))
}

// MakePageMessageID returns the ID of one part of a page that came from somebody's
// mobile device. Pages have none of their own: it is made once, on arrival.
func MakePageMessageID(from, text string, part int, at time.Time) networkid.MessageID {
	return networkid.MessageID(strings.Join([]string{"page", idPart(from), hashOf(text), strconv.FormatInt(at.UnixNano(), 10), strconv.Itoa(part)}, "/"))
}

// idPart returns a part of an ID that a server chooses, without slashes. "#" marks a hash,
// which nothing that is short enough looks like.
func idPart(s string) string {
	if len(s) > maxIDPart {
		return "#" + hashOf(s)
	}
	return url.PathEscape(s)
}

// hashOf returns 128 bits of a hash over several texts.
func hashOf(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
