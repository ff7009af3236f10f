package msntest

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// The web services of offline messages (protocol/06-oim-mail.md, section 2).

// mailbox service: reading.
var readServices = map[string]webService{
	"GetMetadata":    (*Server).getMetadata,
	"GetMessage":     (*Server).getMessage,
	"DeleteMessages": (*Server).deleteMessages,
}

// cookieHolder is the ticket of a call to rsi.asmx, in the forms in which clients cut
// it up.
func (s *Server) cookieHolder(c *call) *Account {
	cookie := c.envelope.at("Header", "PassportCookie")
	t, p := cookie.value("t"), cookie.value("p")
	for _, ticket := range []string{"t=" + t + "&p=" + p, t} {
		if a := s.ticketHolder(ticket, passport.ServiceMessenger.Address); a != nil {
			return a
		}
	}
	return nil
}

// badSchema refuses a message that does not exist.
var badSchema = &Fault{Code: "soap:Client", Reason: "Schema validation error"}

// readCall finds the operation of rsi.asmx.
func readCall(s *Server, c *call) (string, string, *Fault) {
	do := readServices[c.operation]
	switch {
	case do == nil:
		return "", "", trouble
	case c.account == nil && s.is.mailFaultsAreSOAP:
		return "", "", &Fault{Code: "soap:Client", Reason: "Unauthorized", ErrorCode: "PassportAuthFail"}
	case c.account == nil:
		return "", "", forbidden
	}
	return do(s, c)
}

func (s *Server) getMetadata(c *call) (string, string, *Fault) {
	if s.is.metadataWantsContent && len(c.body.kids) == 0 && c.body.text == "" {
		return "", "", trouble
	}
	list := "<MD>" + mailQuota + s.offlineList(c.account) + "</MD>"
	if s.is.escapesMetadata {
		list = html.EscapeString(list)
	}
	return "", `<GetMetadataResponse xmlns="` + readNamespace + `">` + list + `</GetMetadataResponse>`, nil
}

func (s *Server) getMessage(c *call) (string, string, *Fault) {
	id := c.body.value("messageId")
	for _, m := range c.account.offline {
		if m.ID == id {
			return "", `<GetMessageResponse xmlns="` + readNamespace + `"><GetMessageResult>` + html.EscapeString(m.mail()) +
				`</GetMessageResult></GetMessageResponse>`, nil
		}
	}
	if s.is.mailFaultsAreSOAP {
		return "", "", badSchema
	}
	return "", "", trouble
}

func (s *Server) deleteMessages(c *call) (string, string, *Fault) {
	a := c.account
	ids := make(map[string]bool)
	for _, n := range c.body.all("messageIds", "messageId") {
		id := strings.TrimSpace(n.text)
		if !slices.ContainsFunc(a.offline, func(m *OfflineMessage) bool { return m.ID == id }) {
			return "", "", badSchema
		}
		ids[id] = true
	}
	a.offline = slices.DeleteFunc(a.offline, func(m *OfflineMessage) bool { return ids[m.ID] })
	for _, ss := range a.present() {
		if ss.dialect >= wire.FirstPersonal {
			ss.hotmail("text/x-msmsgsactivemailnotification", wire.Header("").
				With("Src-Folder", ".!!OIM").With("Dest-Folder", ".!!trAsH").With("Message-Delta", fmt.Sprint(len(ids))))
		}
	}
	s.notifyChange()
	return "", `<DeleteMessagesResponse xmlns="` + readNamespace + `"/>`, nil
}

// storeCall answers Store and Store2: a message is left for somebody.
func storeCall(s *Server, c *call) (string, string, *Fault) {
	namespace := storeNamespace
	if strings.HasSuffix(strings.Trim(c.http.Header.Get("SOAPAction"), `"`), "Store2") {
		namespace = store2Namespace
	}
	header := c.envelope.at("Header")
	if c.account == nil {
		return "", "", storeFault("AuthenticationFailed", Fault{TweenerChallenge: shortPolicy})
	}
	if !s.unlocked(c.account, header.at("Ticket")) {
		return "", "", storeFault("AuthenticationFailed", Fault{LockKeyChallenge: s.lockChallenge(c.account)})
	}
	from, to := normalize(header.at("From").attribute("memberName")), s.accounts[normalize(header.at("To").attribute("memberName"))]
	content := c.envelope.at("Body", "Content")
	switch {
	case from != c.account.email, to == nil, !to.allows(c.account):
		return "", "", storeFault("SystemUnavailable", Fault{})
	case content == nil:
		return "", "", storeFault("InvalidContent", Fault{})
	}
	m, ok := readOffline(content.text)
	if !ok {
		return "", "", storeFault("InvalidContent", Fault{})
	}
	if s.throttled(c.account) {
		return "", "", storeFault("SenderThrottleLimitExceeded", Fault{})
	}
	m.FromName = decodeWord(header.at("From").attribute("friendlyName"))
	m.From = c.account.email
	s.putOffline(to, m)
	number := html.EscapeString(header.value("Sequence", "MessageNumber"))
	return `<SequenceAcknowledgment xmlns="http://schemas.xmlsoap.org/ws/2003/03/rm"><Identifier xmlns="http://schemas.xmlsoap.org/ws/2002/07/utility">` +
			`http://messenger.msn.com</Identifier><AcknowledgmentRange Upper="` + number + `" Lower="` + number + `"/></SequenceAcknowledgment>`,
		`<StoreResponse xmlns="` + namespace + `"><PointsConsumed>0</PointsConsumed></StoreResponse>`, nil
}

func storeFault(code string, f Fault) *Fault {
	f.Code, f.Reason = "q0:"+code, "Exception of type System.Web.Services.Protocols.SoapException was thrown."
	return &f
}

// lockChallenge is what an account's client has to answer before it may send.
func (s *Server) lockChallenge(a *Account) string {
	switch {
	case s.is.constantLock != "":
		return s.is.constantLock
	case a.lock == "":
		a.lock = newChallenge()[:10]
	}
	return a.lock
}

// unlocked reports whether the lock key answers the challenge; any does to a constant one.
func (s *Server) unlocked(a *Account, ticket *node) bool {
	key := ticket.attribute("lockkey")
	if s.is.constantLock != "" {
		return key != ""
	}
	product, known := passport.ProductByID(ticket.attribute("appid"))
	return a.lock != "" && known && strings.EqualFold(key, passport.ChallengeAnswer(wire.FirstSSO, product, a.lock))
}
