package chat

import (
	"context"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// offers is what is said of each offer, and of one of a name: "" where that is not said. It says why the bridge
// does not take part.
var offers = map[msn.Offer]struct{ text, named string }{
	msn.OfferFile:       {"chat.offer.file", "chat.offer.file_named"},
	msn.OfferCall:       {"chat.offer.call", ""},
	msn.OfferVideo:      {"chat.offer.video", ""},
	msn.OfferWebcam:     {"chat.offer.webcam", ""},
	msn.OfferWantWebcam: {"chat.offer.want_webcam", ""},
	msn.OfferMeeting:    {"chat.offer.meeting", ""},
	msn.OfferSharing:    {"chat.offer.sharing", ""},
	msn.OfferWhiteboard: {"chat.offer.whiteboard", ""},
	msn.OfferAssistance: {"chat.offer.assistance", ""},
	msn.OfferGame:       {"chat.offer.game", "chat.offer.game_named"},
	msn.OfferPhotos:     {"chat.offer.photos", ""},
	msn.OfferOther:      {"chat.offer.unknown", "chat.offer.unknown_named"},
}

// invitationReceived says what was offered.
func (h *Heard) invitationReceived(ctx context.Context, evt msn.InvitationReceived) {
	h.thing(ctx, evt.Origin, func(name string) string { return describeOffer(name, evt) })
}

// describeOffer says what somebody of a name offers.
func describeOffer(name string, evt msn.InvitationReceived) string {
	what, known := offers[evt.Offer]
	if !known {
		what = offers[msn.OfferOther]
	}
	size := ""
	if evt.Bytes > 0 {
		size = " (" + names.Bytes(evt.Bytes) + ")"
	}
	said := words.Text(what.text, name, size)
	if thing := names.Field(evt.Name); thing != "" && what.named != "" {
		// As it is: the line is the contact's own, and their texts may hold links as well.
		said = words.Text(what.named, name, size, names.Own(thing))
	}
	if evt.Declined {
		said += " " + words.Text("chat.offer.declined")
	}
	return said
}
