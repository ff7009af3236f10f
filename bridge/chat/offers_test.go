package chat

import (
	"strings"
	"testing"

	"matrix-msn/msn"
)

func TestOffersAreDescribed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		offer msn.Offer
		name  string
		bytes uint64
		want  string
	}{
		{msn.OfferFile, "readme.txt", 12345, "Bob offers the file “readme.txt” (12 KB). The bridge does not carry files of such an old kind: ask for it by e-mail. It has declined."},
		{msn.OfferFile, "", 0, "Bob offers a file. The bridge does not carry files of such an old kind: ask for it by e-mail. It has declined."},
		{msn.OfferFile, "a\u202egpj.exe", 1, "Bob offers the file “agpj.exe” (1 byte). The bridge does not carry files of such an old kind: ask for it by e-mail. It has declined."},
		{msn.OfferCall, "a Computer Call", 0, "Bob calls you by voice or video. The bridge carries no calls. It has declined."},
		{msn.OfferGame, "Tic Tac Toe", 0, "Bob invites you to “Tic Tac Toe”. The bridge carries no games. It has declined."},
		{msn.OfferOther, "Frobnicate", 0, "Bob offers “Frobnicate”, which the bridge does not know. The bridge does not carry it. It has declined."},
		{"of another version", "", 0, "Bob offers something that the bridge does not know. The bridge does not carry it. It has declined."},
	} {
		got := describeOffer("Bob", msn.InvitationReceived{Declined: true, Offer: test.offer, Name: test.name, Bytes: test.bytes})
		if got != test.want {
			t.Errorf("%s %q is %q, want %q", test.offer, test.name, got, test.want)
		}
	}
	for offer := range offers {
		got := describeOffer("Bob", msn.InvitationReceived{Offer: offer, Name: strings.Repeat("x", 9000)})
		if !strings.HasPrefix(got, "Bob ") || strings.Contains(got, "%!") || strings.Contains(got, "declined") || len(got) > 2500 {
			t.Errorf("%s is %q", offer, got)
		}
	}
}
