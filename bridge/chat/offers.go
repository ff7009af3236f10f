package chat

import (
	"context"
	"fmt"

	"matrix-msn/bridge/names"
	"matrix-msn/msn"
)

// offers is what is said of each offer: what somebody does, "%s" for its name, and why the bridge
// does not take part.
var offers = map[msn.Offer]struct{ does, named, why string }{
	msn.OfferFile:       {"offers a file", "offers the file %s", "does not carry files of such an old kind: ask for it by e-mail"},
	msn.OfferCall:       {"calls you by voice or video", "", "carries no calls"},
	msn.OfferVideo:      {"calls you by video", "", "carries no calls"},
	msn.OfferWebcam:     {"wants to show you their webcam", "", "carries no moving pictures"},
	msn.OfferWantWebcam: {"wants to see your webcam", "", "carries no moving pictures"},
	msn.OfferMeeting:    {"invites you to NetMeeting", "", "does not carry it"},
	msn.OfferSharing:    {"wants to share a program with you", "", "does not carry that"},
	msn.OfferWhiteboard: {"invites you to draw on a whiteboard", "", "does not carry that"},
	msn.OfferAssistance: {"asks for remote assistance, or offers it", "", "does not carry that"},
	msn.OfferGame:       {"invites you to a game", "invites you to %s", "carries no games"},
	msn.OfferPhotos:     {"wants to look at photos with you", "", "does not carry that"},
	msn.OfferOther:      {"offers something that the bridge does not know", "offers %s, which the bridge does not know", "does not carry it"},
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
	does := what.does
	if thing := names.Field(evt.Name); thing != "" && what.named != "" {
		// As it is: the line is the contact's own, and their texts may hold links as well.
		does = fmt.Sprintf(what.named, names.Own(thing))
	}
	if evt.Bytes > 0 {
		does += " (" + names.Bytes(evt.Bytes) + ")"
	}
	declined := ""
	if evt.Declined {
		declined = " It has declined."
	}
	return fmt.Sprintf("%s %s. The bridge %s.%s", name, does, what.why, declined)
}
