package msntest

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/passport"
)

// The storage service, which keeps the roaming profile of clients from MSNP15 on:
// display name, personal message and display picture (protocol/06-oim-mail.md, section 5).

// storageNamespace is that of 8.1.
const storageNamespace = "http://www.msn.com/webservices/storage/w10"

// maxStored is the longest picture that is kept, in bytes.
const maxStored = 1 << 20

// maxProfileField is the longest name and message that the profile keeps, in bytes.
const maxProfileField = 2048

// profile is the roaming profile of an account.
type profile struct {
	name, message       string
	nameSet, messageSet time.Time // zero while nobody has set it

	picture []byte // that is shown, nil for none
	created []byte // a picture that is kept and not shown yet
}

// RoamingProfile returns the display name and the personal message that clients have
// stored at the storage service, "" for what they have not.
func (a *Account) RoamingProfile() (name, message string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.profile.name, a.profile.message
}

// StoredPicture returns the display picture that clients have stored at the storage service, nil for none.
func (a *Account) StoredPicture() []byte {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.profile.picture
}

// StorePicture has the storage service keep a display picture, as another client would.
func (a *Account) StorePicture(data []byte) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.profile.picture = data
}

var storageServices = map[string]webService{
	"GetProfile":    (*Server).getProfile,
	"UpdateProfile": (*Server).updateProfile,

	"CreateDocument":      (*Server).createDocument,
	"CreateRelationships": (*Server).createRelationships,
	"DeleteRelationships": (*Server).deleteRelationships,
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
	if p.picture != nil {
		fmt.Fprintf(&fields, "<Photo><ResourceID>%s!205</ResourceID><DocumentStreams><DocumentStream><DocumentStreamName>UserTileStatic</DocumentStreamName>"+
			"<MimeType>image/png</MimeType><DataSize>%d</DataSize><PreAuthURL>%s</PreAuthURL><DocumentStreamType>UserTileStatic</DocumentStreamType></DocumentStream></DocumentStreams></Photo>",
			a.shelf(), len(p.picture), html.EscapeString(s.tileURL(a)))
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

// tilePath is where pictures are to be had, below it the account's ID and "/static".
const tilePath = "/storage/usertile/"

// tileURL is where the picture of an account is to be had.
func (s *Server) tileURL(a *Account) string { return s.urls.host + tilePath + a.id + "/static" }

// answerTile gives a picture to whoever knows where it is.
func (s *Server) answerTile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var picture []byte
	for _, a := range s.accounts {
		if r.URL.Path == tilePath+a.id+"/static" {
			picture = a.profile.picture
		}
	}
	s.mu.Unlock()
	if picture == nil || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(picture)
}

// createDocument keeps a picture, which is shown when it is related to the profile.
func (s *Server) createDocument(c *call) (string, string, *Fault) {
	stream := c.body.at("document", "DocumentStreams", "DocumentStream")
	if stream.value("DocumentStreamType") != "UserTileStatic" {
		return "", "", trouble
	}
	data, err := base64.StdEncoding.DecodeString(stream.value("Data"))
	if err != nil || len(data) == 0 || len(data) > maxStored {
		return "", "", trouble
	}
	c.account.profile.created = data
	return "", `<CreateDocumentResponse xmlns="` + storageNamespace + `"><CreateDocumentResult>` + c.account.shelf() + `!205</CreateDocumentResult></CreateDocumentResponse>`, nil
}

func (s *Server) createRelationships(c *call) (string, string, *Fault) {
	p, r := &c.account.profile, c.body.at("relationships", "Relationship")
	if p.created == nil || r.value("SourceID") != c.account.shelf()+"!118" || r.value("TargetID") != c.account.shelf()+"!205" || r.value("RelationshipName") != "ProfilePhoto" {
		return "", "", trouble
	}
	p.picture, p.created = p.created, nil
	return "", `<CreateRelationshipsResponse xmlns="` + storageNamespace + `" />`, nil
}

// deleteRelationships has the profile show no picture any more, when it is the profile that they are taken from.
func (s *Server) deleteRelationships(c *call) (string, string, *Fault) {
	p := &c.account.profile
	if p.picture == nil || c.body.value("targetHandles", "ObjectHandle", "ResourceID") != c.account.shelf()+"!205" {
		return "", "", &Fault{Code: "soap:Client", Reason: "ItemDoesNotExist"}
	}
	if c.body.value("sourceHandle", "ResourceID") == c.account.shelf()+"!118" {
		p.picture = nil
	}
	return "", `<DeleteRelationshipsResponse xmlns="` + storageNamespace + `" />`, nil
}
