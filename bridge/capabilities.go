package bridge

import (
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/people"
	"matrix-msn/msn"
)

// roomFeaturesID changes whenever the features below do.
const roomFeaturesID = "com.github.matrix-msn.features.2026-11-29.2"

// refusedFiles is of messages that hold a file: the bridge refuses them itself, in a sentence
// that says what to do, where the framework says "unsupported message type".
var refusedFiles = &event.FileFeatures{
	MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelUnsupported},
	Caption:   event.CapLevelPartialSupport, // as a text
}

// stickers come as their names.
var stickers = &event.FileFeatures{MimeTypes: map[string]event.CapabilitySupportLevel{"*/*": event.CapLevelPartialSupport}}

// roomFeatures is what rooms support: text, in both directions.
var roomFeatures = &event.RoomFeatures{
	ID: roomFeaturesID,
	Formatting: event.FormattingFeatureMap{
		event.FmtBold:          event.CapLevelPartialSupport,
		event.FmtItalic:        event.CapLevelPartialSupport,
		event.FmtUnderline:     event.CapLevelPartialSupport,
		event.FmtStrikethrough: event.CapLevelPartialSupport,
	},
	File: event.FileFeatureMap{
		event.MsgImage: refusedFiles, event.MsgAudio: refusedFiles, event.MsgVideo: refusedFiles, event.MsgFile: refusedFiles,
		event.CapMsgSticker: stickers, event.CapMsgVoice: refusedFiles, event.CapMsgGIF: refusedFiles,
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
				TypeDescription: "a group chat",
				Name:            bridgev2.GroupFieldCapability{Allowed: true},
				Participants:    bridgev2.GroupFieldCapability{Allowed: true, Required: true, MinLength: 1, MaxLength: msn.MaxMembers},
			},
		},
	},
}
