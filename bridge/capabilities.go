package bridge

import (
	"fmt"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/people"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// roomFeaturesID changes whenever the features below do.
const roomFeaturesID = "com.github.matrix-msn.features.2026-11-29.3"

// refusedFiles is of messages that hold a file, in rooms to which none can be brought: the bridge
// refuses them itself, in a sentence that says what to do, where the framework says "unsupported
// message type".
var refusedFiles = &event.FileFeatures{
	MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelUnsupported},
	Caption:   event.CapLevelPartialSupport, // as a text
}

// linkedFiles is of rooms with several people, who get a link.
var linkedFiles = &event.FileFeatures{
	MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelPartialSupport},
	Caption:   event.CapLevelPartialSupport,
}

// stickers come as their names where files do not.
var stickers = &event.FileFeatures{MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelPartialSupport}}

// featuresOf returns what the room of a portal supports: texts in both directions, and files of up to
// so many bytes, or links to them.
func featuresOf(portal networkid.PortalID, most uint64, links bool) *event.RoomFeatures {
	features := *roomFeatures
	files, sticker := refusedFiles, stickers
	to, _ := msnid.ParsePeer(portal)
	switch {
	case to.Account != "" && most > 0 && !links:
		files = &event.FileFeatures{
			MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelFullySupported},
			Caption:   event.CapLevelPartialSupport, // as a text before it
			MaxSize:   int64(most),
		}
		sticker = files
		features.ID = fmt.Sprintf("%s.files-%d", roomFeaturesID, most)
	case to.Account != "" && most > 0:
		// Of what is larger, or cannot be sent for another reason, a link goes out.
		files = &event.FileFeatures{
			MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelFullySupported},
			Caption:   event.CapLevelPartialSupport,
		}
		sticker = files
		features.ID = roomFeaturesID + ".files"
	case links && !msnid.IsAlertsPortalID(portal):
		files, sticker = linkedFiles, linkedFiles
		features.ID = roomFeaturesID + ".links"
	}
	features.File = event.FileFeatureMap{
		event.MsgImage: files, event.MsgAudio: files, event.MsgVideo: files, event.MsgFile: files,
		event.CapMsgSticker: sticker, event.CapMsgVoice: files, event.CapMsgGIF: files,
	}
	return &features
}

// roomFeatures is what all rooms support.
var roomFeatures = &event.RoomFeatures{
	ID: roomFeaturesID,
	Formatting: event.FormattingFeatureMap{
		event.FmtBold:          event.CapLevelPartialSupport,
		event.FmtItalic:        event.CapLevelPartialSupport,
		event.FmtUnderline:     event.CapLevelPartialSupport,
		event.FmtStrikethrough: event.CapLevelPartialSupport,
	},
	MaxTextLength:       msn.MaxText,
	TypingNotifications: true,
	Edit:                event.CapLevelPartialSupport, // as a correction
	Reaction:            event.CapLevelRejected,
	LocationMessage:     event.CapLevelPartialSupport, // as its description
	Poll:                event.CapLevelPartialSupport, // as a list
	Reply:               event.CapLevelPartialSupport, // with a quote
	// Relayed texts come as they are: bridge/relay puts the names before them, in plain text.
	PerMessageProfileRelay: true,
}

// networkFeatures is what the framework should know of the network.
var networkFeatures = &bridgev2.NetworkGeneralCapabilities{
	Provisioning: bridgev2.ProvisioningCapabilities{
		ResolveIdentifier: bridgev2.ResolveIdentifierCapabilities{
			CreateDM:    true,
			LookupEmail: true,
			ContactList: true,
			Search:      true,
		},
		GroupCreation: map[string]bridgev2.GroupTypeCapabilities{
			people.GroupType: {
				TypeDescription: words.Text("matrix.group_chat"),
				Name:            bridgev2.GroupFieldCapability{Allowed: true},
				Participants:    bridgev2.GroupFieldCapability{Allowed: true, Required: true, MinLength: 2, MaxLength: msn.MaxMembers},
			},
		},
	},
}
