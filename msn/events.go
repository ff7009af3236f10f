package msn

import (
	"matrix-msn/msn/chat"
	"matrix-msn/msn/circle"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/notice"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/internal/paging"
	"matrix-msn/msn/media"
	"matrix-msn/msn/roster"
)

// Event is one of the structs of this file. Events of a Client come in the order
// in which they happened.
type Event = event.Event

// MaxBacklog is how many events may wait to be read before the Client stops reading from
// the server.
const MaxBacklog = ns.MaxBacklog

// What the contact list tells.
type (
	// PresenceChanged says that a contact's status, name, capabilities or display
	// picture has changed (ILN, NLN, FLN).
	PresenceChanged = roster.PresenceChanged
	// PersonalMessageChanged says that a contact has another personal message or plays
	// other media (UBX).
	PersonalMessageChanged = roster.PersonalMessageChanged
	// ContactChanged says that a contact's lists, groups or properties have changed.
	ContactChanged = roster.ContactChanged
	// AddedYou says that somebody has put the user on their contact list.
	AddedYou = roster.AddedYou
	// RemovedYou says that somebody has taken the user off their contact list.
	RemovedYou = roster.RemovedYou
	// NameChanged says that the user's own display name is another one.
	NameChanged = roster.NameChanged
	// GroupsChanged says that the groups of the contact list have changed.
	GroupsChanged = roster.GroupsChanged
	// EndpointsChanged says that the endpoints at which the user is signed in have
	// changed.
	EndpointsChanged = roster.EndpointsChanged
	// CirclesChanged says that the user's circles, their names, or their members have
	// changed.
	CirclesChanged = circle.Changed
)

// What conversations tell.
type (
	// TextReceived is a text message.
	TextReceived = chat.TextReceived
	// TextSent is a text message that the user wrote at another endpoint.
	TextSent = chat.TextSent
	// TypingReceived says that somebody is writing. It holds for about 6 seconds.
	TypingReceived = chat.TypingReceived
	// NudgeReceived is a nudge.
	NudgeReceived = chat.NudgeReceived
	// FileOffered says that somebody offers a file.
	FileOffered = media.FileOffered
	// WinkReceived is an animation.
	WinkReceived = chat.WinkReceived
	// VoiceClipReceived is a recording.
	VoiceClipReceived = chat.VoiceClipReceived
	// ActionReceived is a text that a contact's Messenger made.
	ActionReceived = chat.ActionReceived
	// InkReceived is handwriting.
	InkReceived = chat.InkReceived
	// InvitationReceived says that somebody offers something, which is declined at once.
	InvitationReceived = chat.InvitationReceived
	// OtherReceived is a message of any other type. Types that nobody asked for are to be
	// ignored.
	OtherReceived = chat.OtherReceived
	// ParticipantJoined says that somebody has come into a conversation.
	ParticipantJoined = chat.ParticipantJoined
	// ParticipantLeft says that somebody has left a conversation.
	ParticipantLeft = chat.ParticipantLeft
	// BecameGroup says that a conversation with one contact goes on as a group chat.
	BecameGroup = chat.BecameGroup
	// CallFailed says that somebody who was called into a group chat does not come.
	CallFailed = chat.CallFailed
	// OfflineReceived is a text that somebody wrote while the user was offline.
	OfflineReceived = offline.Received
)

// What the service tells.
type (
	// AlertReceived is an alert (NOT) for people to read.
	AlertReceived = notice.AlertReceived
	// DataReceived is a NOT that is news for programs.
	DataReceived = notice.DataReceived
	// AlertsSuppressed says how many alerts, pages and mail notices were left out.
	AlertsSuppressed = notice.AlertsSuppressed
	// MailCounted tells how many unread mails the account has.
	MailCounted = notice.MailCounted
	// MailReceived is the notice of a new mail.
	MailReceived = notice.MailReceived
	// ShutdownAnnounced says that the service goes down for maintenance.
	ShutdownAnnounced = notice.ShutdownAnnounced
	// SystemMessage is a system message of any other kind.
	SystemMessage = notice.SystemMessage
	// PageReceived is a page from somebody's mobile device (IPG).
	PageReceived = paging.PageReceived
	// PageBounced says that a page of the user's own failed after all.
	PageBounced = paging.PageBounced
	// ServerMessage is a message of the notification server that has no event of its own.
	ServerMessage = ns.ServerMessage
	// Disconnected is the last event of a Client.
	Disconnected = ns.Disconnected
)
