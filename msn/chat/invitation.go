package chat

import (
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// People offer each other files, calls and games in two ways: by invitations of old clients
// (protocol/11-rich-content.md, section 5) and in MSNSLP (section 9, package media). Of the old ones this
// client takes files, where somebody takes those (see TakeFiles), and says at once that it takes none else: their
// Messenger would show them for a minute that it waits.

const invitation = "text/x-msmsgsinvite"

// Offer is what somebody offers or asks for.
type Offer string

// The offers.
const (
	OfferFile       Offer = "file"
	OfferCall       Offer = "call"               // by voice, perhaps with picture
	OfferVideo      Offer = "video conversation" // by voice and picture
	OfferWebcam     Offer = "webcam"             // to show theirs
	OfferWantWebcam Offer = "want webcam"        // to see the user's
	OfferMeeting    Offer = "meeting"            // NetMeeting
	OfferSharing    Offer = "application sharing"
	OfferWhiteboard Offer = "whiteboard"
	OfferAssistance Offer = "remote assistance"
	OfferGame       Offer = "game"
	OfferPhotos     Offer = "photos"
	OfferOther      Offer = "other"
)

// invited are the offers by the GUID of the application, in capitals.
var invited = map[string]Offer{
	"{5D3E02AB-6190-11D3-BBBB-00C04F795683}": OfferFile,
	"{02D3C01F-BF30-4825-A83A-DE7AF41648AA}": OfferCall,
	"{44BBA842-CC51-11CF-AAFA-00AA00B6015C}": OfferMeeting,
	"{F1B1920C-6A3C-4CE7-B18C-AFAB305FD03D}": OfferSharing,
	"{1DF57D09-637A-4CA5-91B9-2C3EDAAF62FE}": OfferWhiteboard,
	"{56B994A7-380F-410B-9985-C809D78C1BDC}": OfferAssistance,
	"{703EA1A8-D73E-43E3-852C-EE85B5D872C2}": OfferAssistance,
	"{2A23868E-B45F-401D-B8B0-1E16B774A5B7}": OfferWebcam,
	"{8DAE4336-2B71-11D4-9A6C-006067325E47}": OfferGame,
}

const (
	// inviteBurst and inviteEvery bound how many offers of one contact are answered and told.
	inviteBurst = 20
	inviteEvery = 5 * time.Second
	// maxOffers is how many offers of a session are remembered, so that one that comes again is
	// told once.
	maxOffers = 64
	// maxCookie is the longest cookie of an invitation that is answered, in digits.
	maxCookie = 32
)

// invitation handles the invitations of old clients, and what they say of those that were taken.
func (c *Chats) invitation(d Data) {
	fields := wire.Header(d.Message.Body)
	cookie := fields.Get("Invitation-Cookie")
	if d.Own {
		return
	}
	if !strings.EqualFold(fields.Get("Invitation-Command"), "INVITE") {
		if i := c.invited[d.From+" "+cookie]; i != nil {
			i.told(fields)
		}
		return
	}
	if !clean.IsNumber(cookie) || len(cookie) > maxCookie || !c.invites.Allow(d.From, time.Now()) {
		return
	}
	what, known := invited[strings.ToUpper(fields.Get("Application-GUID"))]
	if !known {
		what = OfferOther
	}
	e := InvitationReceived{Origin: c.origin(d), Offer: what, Declined: d.alone(), Name: clean.Cut(clean.Line(fields.Get("Application-Name")), clean.MaxName)}
	code := "REJECT_NOT_INSTALLED"
	if what == OfferFile {
		code = "REJECT"
		e.Name = slp.FileName(fields.Get("Application-File"))
		e.Bytes, _ = strconv.ParseUint(fields.Get("Application-FileSize"), 10, 63)
	}
	if what == OfferFile && d.alone() && c.takeFile(d, cookie, e) {
		return
	}
	if c.isNew(d, "cookie "+cookie) {
		c.conn.Emit(e)
	}
	if d.alone() {
		d.session.sendUnacknowledged(cancel(cookie, code))
	}
}

// cancel is the message that declines an invitation.
func cancel(cookie, code string) string {
	return wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", invitation+"; charset=UTF-8"),
		Body: string(wire.Header("").With("Invitation-Command", "CANCEL").With("Invitation-Cookie", cookie).
			With("Cancel-Code", code)) + "\r\n",
	}.Payload()
}

// alone reports whether an answer reaches only who has sent a message. In a conversation of
// several people it would end what others have agreed on.
func (d Data) alone() bool {
	return d.session != nil && d.session.link != nil && d.session.state != sessionOver && len(d.Others) == 0
}

// isNew reports whether an offer comes for the first time in its session.
func (c *Chats) isNew(d Data, id string) bool {
	if d.session == nil {
		return true
	}
	return d.session.firstOffer(d.From + " " + id)
}
