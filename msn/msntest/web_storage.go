package msntest

import (
	"fmt"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/passport"
)

// The storage service, which keeps the roaming profile of clients from MSNP15 on:
// display name and personal message (protocol/06-oim-mail.md, section 5). Of pictures
// it knows that there are none.

// storageNamespace is that of 8.1.
const storageNamespace = "http://www.msn.com/webservices/storage/w10"

// maxProfileField is the longest name and message that the profile keeps, in bytes.
const maxProfileField = 2048

// profile is the roaming profile of an account.
type profile struct {
	name, message       string
	nameSet, messageSet time.Time // zero while nobody has set it
}

// RoamingProfile returns the display name and the personal message that clients have
// stored at the storage service, "" for what they have not.
func (a *Account) RoamingProfile() (name, message string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.profile.name, a.profile.message
}

var storageServices = map[string]webService{
	"GetProfile":    (*Server).getProfile,
	"UpdateProfile": (*Server).updateProfile,
}

// storageHolder is whose ticket a call to the storage service has.
func (s *Server) storageHolder(c *call) *Account {
	return s.ticketHolder(c.envelope.value("Header", "StorageUserHeader", "TicketToken"), passport.ServiceStorage.Address)
}

// storageCall finds the operation of the storage service.
func storageCall(s *Server, c *call) (string, string, *Fault) {
	do := storageServices[c.operation]
	switch {
	case c.account == nil:
		return "", "", forbidden
	case do == nil:
		return "", "", trouble
	}
	_, body, fault := do(s, c)
	header := `<StorageUserHeader xmlns="` + storageNamespace + `"><Puid>0</Puid><Cid>` + c.account.shelf() + `</Cid><ApplicationId>0</ApplicationId></StorageUserHeader>`
	return header, body, fault
}

// shelf names the account's place at the storage service.
func (a *Account) shelf() string {
	hexes := strings.ReplaceAll(a.id, "-", "")
	return hexes[max(0, len(hexes)-16):]
}

func (s *Server) getProfile(c *call) (string, string, *Fault) {
	a, p := c.account, c.account.profile
	modified := time.Unix(0, 0)
	var fields strings.Builder
	for _, field := range []struct {
		element, text string
		set           time.Time
	}{{"PersonalStatus", p.message, p.messageSet}, {"DisplayName", p.name, p.nameSet}} {
		if field.set.IsZero() {
			continue
		}
		if field.set.After(modified) {
			modified = field.set
		}
		fmt.Fprintf(&fields, "<%s>%s</%[1]s><%[1]sLastModified>%[3]s</%[1]sLastModified>",
			field.element, html.EscapeString(field.text), field.set.UTC().Format(time.RFC3339))
	}
	at := modified.UTC().Format(time.RFC3339)
	return "", fmt.Sprintf(`<GetProfileResponse xmlns="%s"><GetProfileResult><ResourceID>%s!106</ResourceID><DateModified>%s</DateModified>`+
		`<ExpressionProfile><ResourceID>%[2]s!118</ResourceID><Version>205</Version><DateModified>%[3]s</DateModified>%[4]s</ExpressionProfile>`+
		`</GetProfileResult></GetProfileResponse>`, storageNamespace, a.shelf(), at, fields.String()), nil
}

// updateProfile stores what the call names; what it leaves out stays.
func (s *Server) updateProfile(c *call) (string, string, *Fault) {
	given, now := c.body.at("profile", "ExpressionProfile"), time.Now()
	p := c.account.profile
	for _, field := range []struct {
		element string
		text    *string
		set     *time.Time
	}{{"PersonalStatus", &p.message, &p.messageSet}, {"DisplayName", &p.name, &p.nameSet}} {
		n := given.at(field.element)
		if n == nil {
			continue
		}
		if len(n.text) > maxProfileField || !utf8.ValidString(n.text) {
			return "", "", trouble
		}
		*field.text, *field.set = n.text, now
	}
	c.account.profile = p
	return "", `<UpdateProfileResponse xmlns="` + storageNamespace + `" />`, nil
}
