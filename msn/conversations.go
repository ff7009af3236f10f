package msn

import (
	"context"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/internal/paging"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// Message is the payload of a MSG command: header and body
// (protocol/04-switchboard.md, section 3).
type Message = wire.Message

// Conversation is the exchange with one contact, or with several people.
type Conversation = chat.Conversation

// Line keeps texts from overtaking one that is sent again later.
type Line = chat.Line

// Origin says where something came from that is no text.
type Origin = chat.Origin

// Offer is what somebody offers or asks for.
type Offer = chat.Offer

// The offers.
const (
	OfferFile       = chat.OfferFile
	OfferCall       = chat.OfferCall
	OfferVideo      = chat.OfferVideo
	OfferWebcam     = chat.OfferWebcam
	OfferWantWebcam = chat.OfferWantWebcam
	OfferMeeting    = chat.OfferMeeting
	OfferSharing    = chat.OfferSharing
	OfferWhiteboard = chat.OfferWhiteboard
	OfferAssistance = chat.OfferAssistance
	OfferGame       = chat.OfferGame
	OfferPhotos     = chat.OfferPhotos
	OfferOther      = chat.OfferOther
)

const (
	// MaxText is the longest text that Conversation.SendText takes, in bytes.
	MaxText = chat.MaxText
	// MaxOutbox is how many texts of one Conversation may wait.
	MaxOutbox = chat.MaxOutbox
	// MaxMembers is how many people a group chat has besides the user.
	MaxMembers = chat.MaxMembers
	// MaxInk is how long handwriting may be, in bytes.
	MaxInk = chat.MaxInk
	// NudgeEvery is how often the people of one Conversation may be nudged.
	NudgeEvery = chat.NudgeEvery
	// MaxFormat is the longest X-MMS-IM-Format that is passed on, in bytes. A longer one
	// is dropped, not the text.
	MaxFormat = clean.MaxFormat
	// MaxOfflineText is the longest text of an offline message, in bytes.
	MaxOfflineText = offline.MaxText
)

// Conversation returns the conversation with one contact. It costs nothing until
// something is sent. Among very many contacts those that nothing is said to are
// forgotten: another Conversation may be returned later then, and both can be
// used alike.
func (c *Client) Conversation(account string) *Conversation {
	peer, _ := clean.Account(account)
	return c.chats.Get(chat.ID{Contact: peer})
}

// Finish begins no text and no transfer any more: those of which nothing was sent yet fail with ErrFinishing, and so do those that come;
// so do files that the contact has not said yes to, which they see taken back. What is on the wire
// goes on until Close, for which it is meant to make ready.
func (c *Client) Finish() {
	c.conn.Do(func() {
		c.chats.Finish()
		c.media.Finish()
	})
}

// ProbeSwitchboard finds out whether the service carries texts, without one: it asks for a switchboard as a
// conversation does, introduces the user there, and leaves. Nobody notices.
//
// The error is ErrTimeout when the service does not answer in time, ErrHidden when it opens no conversations
// for who appears offline, ErrSwitchboard or ErrUntrusted when it gives none that can be used, ErrNotConnected
// or ErrClosed when the Client has ended, and that of ctx.
func (c *Client) ProbeSwitchboard(ctx context.Context) error { return c.chats.ProbeSwitchboard(ctx) }

// GroupChat returns the conversation with several people that has this ID. It is made
// when there is none, or gets those of the members that it does not have. Invalid
// accounts, and the user's own, are left out.
//
// A group chat does not need to be open: the first text calls the members in, and a
// session with exactly its members that somebody else opens belongs to it.
func (c *Client) GroupChat(id string, members ...string) *Conversation {
	return c.chats.Group(id, members...)
}

// Switchboards returns how many switchboards are open, or being opened.
func (c *Client) Switchboards() int { return c.chats.Open() }

// OfflineMessages reports whether the service takes messages for contacts who are
// offline: Web.Post is configured and the dialect is MSNP11 to MSNP17, or the dialect
// is MSNP18.
func (c *Client) OfflineMessages() bool { return c.offline.Taken() }

// OfflineConfirmed reports whether the service confirms that it keeps what SendOffline
// leaves: its web service does, which refuses what is for accounts that do not exist or that
// block the user. At MSNP18 no answer comes: services drop such texts without a word.
func (c *Client) OfflineConfirmed() bool { return c.offline.Confirmed() }

// SendOffline leaves a text for a contact who is offline. Services cut long ones:
// more than MaxOfflineText bytes are refused with ErrTooLong.
//
// The error is ErrDialect when there are no offline messages, ErrNoSuchContact when
// the service does not take them for this contact (who does not exist, or has blocked
// the user), ErrTooFast when too many were sent, ErrEmpty, ErrNotDelivered when the
// service does not take the text, ErrBusy when it is out of order or not to be reached,
// ErrNotConnected or ErrClosed when the Client has ended, or ErrUncertain when the text may
// have been left though no answer came. Without an error it is left with the service; see
// OfflineConfirmed. format is as for Conversation.SendText; a service that does not take a
// text with it is given the text alone.
func (c *Client) SendOffline(ctx context.Context, account, text, format string) error {
	return c.offline.Send(ctx, account, text, format)
}

// DeleteOffline removes offline messages from the service. One that the service does
// not know counts as removed. The error is ErrDialect when there are none in this
// session, ErrNotConnected or ErrClosed when the Client has ended, and what the service says
// otherwise; then the others are removed all the same, where it takes them one by one.
func (c *Client) DeleteOffline(ctx context.Context, ids ...string) error {
	return c.offline.Delete(ctx, ids...)
}

// Paging says whom pages may be sent to. A server that does not know PAG takes the
// page for commands and loses what comes next.
type Paging = paging.Paging

// The choices for Config.Paging.
const (
	PageMobile  = paging.PageMobile  // contacts whose MOB is Y, and their numbers
	PageAnybody = paging.PageAnybody // the service knows PAG or PGD, whatever MOB says
	PageNobody  = paging.PageNobody  // it does not
)

// SentPage is a page that was written to the server.
type SentPage = paging.SentPage

// Page sends a text to somebody's mobile device: PAG up to MSNP8, PGD from MSNP9
// on (protocol/07, section 6). to is an account, or "tel:+15551112222" from MSNP9
// on. Servers answer only errors: Page returns nil when none has come for
// Timeouts.Page, and a failure can still be reported after that by PageBounced. So
// is a bounce that comes before. sent is called before anything is written, with
// what a bounce will name; it may be nil.
//
// The error is ErrArgument when to is neither, ErrNoPaging when the service or the
// dialect has none, ErrDialect for a number below MSNP9, ErrNoMobile
// when the contact has no mobile device, *notify.TooLongError, ErrEmpty,
// notify.ErrPageText or notify.ErrCallback when the page cannot be sent, ErrPageRefused
// (220), ErrPageFailed (800), ErrPagingUnavailable (606, 710, 715), any other
// *ServerError, or ErrNotConnected when nothing was written. It wraps ErrUncertain
// when the connection, or ctx, ended after that.
func (c *Client) Page(ctx context.Context, to string, page notify.Page, sent func(SentPage)) error {
	return c.pages.Send(ctx, to, page, sent)
}

// OwnNumber returns the user's own number at a location as digits, or "" when the
// account has none (PHH, PHW, PHM).
func (c *Client) OwnNumber(at notify.Location) string { return c.pages.OwnNumber(at) }
