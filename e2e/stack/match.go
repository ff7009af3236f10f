package stack

import (
	"slices"
	"strings"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Match tells whether an event is the one that is waited for. In all functions that return one, an empty room or
// sender means any.
type Match func(Seen) bool

// Text matches a message of a person with exactly this text.
func Text(room id.RoomID, sender id.UserID, text string) Match {
	return func(s Seen) bool {
		message := s.message(room, sender)
		return message != nil && message.MsgType == event.MsgText && message.Body == text
	}
}

// Image matches a picture with this name.
func Image(room id.RoomID, sender id.UserID, name string) Match {
	return func(s Seen) bool {
		message := s.message(room, sender)
		return message != nil && message.MsgType == event.MsgImage && message.Body == name
	}
}

// AnyText matches any message of a person.
func AnyText(room id.RoomID, sender id.UserID) Match {
	return func(s Seen) bool {
		message := s.message(room, sender)
		return message != nil && message.MsgType == event.MsgText
	}
}

// Notice matches a notice, the message of a bot, that contains all of the parts, whatever their case.
func Notice(room id.RoomID, sender id.UserID, parts ...string) Match {
	return func(s Seen) bool {
		message := s.message(room, sender)
		if message == nil || message.MsgType != event.MsgNotice {
			return false
		}
		body := strings.ToLower(message.Body)
		for _, part := range parts {
			if !strings.Contains(body, strings.ToLower(part)) {
				return false
			}
		}
		return true
	}
}

// Typing matches the news that the user is typing, alone or with others.
func Typing(room id.RoomID, user id.UserID) Match {
	return func(s Seen) bool {
		users, ok := s.typing(room)
		return ok && slices.Contains(users, user)
	}
}

// NotTyping matches the news that the user is not typing, or not any more.
func NotTyping(room id.RoomID, user id.UserID) Match {
	return func(s Seen) bool {
		users, ok := s.typing(room)
		return ok && !slices.Contains(users, user)
	}
}

// Presence matches a user being shown so, with this status message.
func Presence(user id.UserID, presence event.Presence, text string) Match {
	return func(s Seen) bool {
		content, ok := s.Content.Parsed.(*event.PresenceEventContent)
		return ok && s.Sender == user && content.Presence == presence && content.StatusMessage == text
	}
}

// Member matches the user's change to this membership.
func Member(room id.RoomID, user id.UserID, membership event.Membership) Match {
	return func(s Seen) bool {
		if s.Type != event.StateMember || room != "" && s.RoomID != room || s.GetStateKey() != user.String() {
			return false
		}
		return s.Content.AsMember().Membership == membership
	}
}

// RoomName matches a room getting its name. Invitations, which tell the name too, do not count.
func RoomName(room id.RoomID, name string) Match {
	return func(s Seen) bool {
		return s.Type == event.StateRoomName && s.Mautrix.EventSource&event.SourceInvite == 0 && (room == "" || s.RoomID == room) && s.Content.AsRoomName().Name == name
	}
}

// Redaction matches the removal of an event.
func Redaction(room id.RoomID, target id.EventID) Match {
	return func(s Seen) bool {
		return s.Type == event.EventRedaction && (room == "" || s.RoomID == room) &&
			(s.Redacts == target || s.Content.AsRedaction().Redacts == target)
	}
}

// message returns the content of a message that is no edit, or nil.
func (s Seen) message(room id.RoomID, sender id.UserID) *event.MessageEventContent {
	if s.Type != event.EventMessage || room != "" && s.RoomID != room || sender != "" && s.Sender != sender {
		return nil
	}
	message := s.Content.AsMessage()
	if message.RelatesTo.GetReplaceID() != "" {
		return nil
	}
	return message
}

// typing returns who is typing in a room, if that is what the event says.
func (s Seen) typing(room id.RoomID) ([]id.UserID, bool) {
	if s.Type != event.EphemeralEventTyping || room != "" && s.RoomID != room {
		return nil, false
	}
	return s.Content.AsTyping().UserIDs, true
}
