package account

import (
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/id"
)

// A room that was there before, and that its people have made that of a contact or of a group
// chat, is borrowed: it keeps its name and its people, and is given back.

// Borrows reports whether the room of a portal is borrowed.
func Borrows(portal *bridgev2.Portal) bool {
	kept, ok := portal.Metadata.(*PortalMetadata)
	return ok && portal.MXID != "" && kept.Borrowed == portal.MXID
}

// Borrow notes that a room that is to become that of a portal is borrowed.
func Borrow(portal *bridgev2.Portal, room id.RoomID) {
	portal.Metadata.(*PortalMetadata).Borrowed = room
	portal.RoomType = database.RoomTypeDefault
}

// OfBorrowed leaves of what describes a room what is for a borrowed one: who comes into it.
func OfBorrowed(info *bridgev2.ChatInfo) *bridgev2.ChatInfo {
	kept := &bridgev2.ChatInfo{Type: ptr.Ptr(database.RoomTypeDefault)}
	if info.Members != nil {
		kept.Members = &bridgev2.ChatMemberList{MemberMap: info.Members.MemberMap}
	}
	return kept
}
