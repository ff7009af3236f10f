package msn

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// offerPayload is an invitation of an old client.
func offerPayload(command, guid, cookie, more string) string {
	return "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsinvite; charset=UTF-8\r\n\r\nApplication-Name: Some Thing\r\n" +
		"Application-GUID: " + guid + "\r\nInvitation-Command: " + command + "\r\nInvitation-Cookie: " + cookie + "\r\n" + more + "\r\n"
}

const (
	fileGUID  = "{5D3E02AB-6190-11d3-BBBB-00C04F795683}"
	fileLines = "Application-File: readme.txt\r\nApplication-FileSize: 5120\r\nConnectivity: N\r\n"
)

func TestInvitationsAreToldAndDeclined(t *testing.T) {
	for _, d := range []wire.Dialect{2, 9, 12} {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, d)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		declined := func(cookie, code string) {
			t.Helper()
			cmd := sb.read()
			want := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsinvite; charset=UTF-8\r\n\r\n" +
				"Invitation-Command: CANCEL\r\nInvitation-Cookie: " + cookie + "\r\nCancel-Code: " + code + "\r\n\r\n"
			if cmd.Verb != "MSG" || cmd.Arg(1) != "U" || cmd.Payload != want {
				t.Errorf("%v: answered by %v %q", d, cmd, cmd.Payload)
			}
		}
		sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, "33267", fileLines))
		declined("33267", "REJECT")
		if e := waitFor[InvitationReceived](t, client); e.Offer != OfferFile || e.Name != "readme.txt" || e.Bytes != 5120 || !e.Declined || e.From != "bob@example.com" || e.FromName != "Bob" {
			t.Errorf("%v: %+v", d, e)
		}
		for guid, offer := range map[string]Offer{
			"{02D3C01F-BF30-4825-A83A-DE7AF41648AA}": OfferCall, "{44BBA842-CC51-11CF-AAFA-00AA00B6015C}": OfferMeeting,
			"{F1B1920C-6A3C-4ce7-B18C-AFAB305FD03D}": OfferSharing, "{1DF57D09-637A-4ca5-91B9-2C3EDAAF62FE}": OfferWhiteboard,
			"{56b994a7-380f-410b-9985-c809d78c1bdc}": OfferAssistance, "{703EA1A8-D73E-43e3-852C-EE85B5D872C2}": OfferAssistance,
			"{2A23868E-B45F-401d-B8B0-1E16B774A5B7}": OfferWebcam, "{8DAE4336-2B71-11D4-9A6C-006067325E47}": OfferGame, "nonsense": OfferOther,
		} {
			cookie := fmt.Sprint(100 + len(guid) + int(guid[1]))
			sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", guid, cookie, ""))
			declined(cookie, "REJECT_NOT_INSTALLED")
			if e := waitFor[InvitationReceived](t, client); e.Offer != offer || e.Name != "Some Thing" || e.Bytes != 0 {
				t.Errorf("%v: %s is %+v", d, guid, e)
			}
		}
		// The same again is answered again, and not told. What is none is neither.
		sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, "33267", fileLines))
		declined("33267", "REJECT")
		for _, payload := range []string{
			offerPayload("CANCEL", fileGUID, "33267", ""), offerPayload("ACCEPT", fileGUID, "33267", ""), offerPayload("INVITE", fileGUID, "", ""),
			offerPayload("INVITE", fileGUID, "1\r2", ""), offerPayload("INVITE", fileGUID, strings.Repeat("1", 40), ""), offerPayload("INVITE", fileGUID, strings.Repeat("%20", 1000), ""), offerPayload("", "", "", ""),
		} {
			sb.sendMessage("bob@example.com", "Bob", payload)
		}
		sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, "5", "Application-File: C:\\x\\y.exe\r\nApplication-FileSize: -1\r\n"))
		declined("5", "REJECT")
		if e := waitFor[InvitationReceived](t, client); e.Name != "y.exe" || e.Bytes != 0 {
			t.Errorf("%v: %+v", d, e)
		}
	}
}

// In a conversation of several people an answer would end what others have agreed on.
func TestInvitationToSeveralIsNotAnswered(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com", "carol@example.com")
	sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, "1", fileLines))
	e := waitFor[InvitationReceived](t, client)
	if e.Offer != OfferFile || e.Declined || e.Conversation.Group() == "" {
		t.Errorf("%+v", e)
	}
	sent := goSend(t, e.Conversation, "text")
	if cmd := sb.read(); wire.ParseMessage(cmd.Payload).Text() != "text" {
		t.Errorf("sent %q", cmd.Payload)
	} else {
		sb.send("ACK " + cmd.Arg(0))
	}
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

// packetPayload is a message with a packet.
func packetPayload(to string, p slp.Packet) string {
	return "MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: " + to + "\r\n\r\n" + p.Body()
}

func slpInvite(guid, call string) string {
	return "INVITE MSNMSGR:alice@example.com MSNSLP/1.0\r\nTo: <msnmsgr:alice@example.com>\r\nFrom: <msnmsgr:bob@example.com>\r\n" +
		"Via: MSNSLP/1.0/TLP ;branch={402286C5-88A1-7DDB-66D7-A1584019B889}\r\nCSeq: 0 \r\nCall-ID: " + call + "\r\nMax-Forwards: 0\r\n" +
		"Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 2089\r\n\r\nEUF-GUID: " + guid + "\r\nSessionID: 77\r\nAppID: 4\r\nContext: " +
		strings.Repeat("A", 2000) + "\r\n\r\n\x00"
}

func TestOffersInMSNSLPAreToldAndDeclined(t *testing.T) {
	const call = "{A6335136-7BD1-9BDC-41C5-234883B64D8%d}"
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	answered := func(call string, total int, id uint32, answers int) {
		t.Helper()
		var last uint32
		for n := range answers {
			cmd := sb.read()
			m := wire.ParseMessage(cmd.Payload)
			p, ok := slp.Parse(m.Body)
			if cmd.Arg(1) != "D" || m.Header.Get("P2P-Dest") != "bob@example.com" || !ok {
				t.Fatalf("answered by %v", cmd)
			}
			sb.send("ACK " + cmd.Arg(0))
			if n == 0 {
				if !p.Control() || p.AckID != id || p.AckUnique != 9 || p.AckTotal != uint64(total) || p.Total != uint64(total) {
					t.Errorf("acknowledged by %+v", p)
				}
				last = p.ID
				continue
			}
			if !strings.HasPrefix(p.Data, "MSNSLP/1.0 603 Decline\r\nTo: <msnmsgr:bob@example.com>\r\n") || !strings.Contains(p.Data, "Call-ID: "+call+"\r\n") ||
				!strings.HasSuffix(p.Data, "\r\n\r\nSessionID: 77\r\n\r\n\x00") || p.ID != last+1 {
				t.Errorf("declined by %+v", p)
			}
		}
	}
	for i, test := range []struct {
		guid  string
		offer Offer
	}{
		{"{1C9AA97E-9C05-4583-A3BD-908A196F1E92}", OfferWantWebcam},
		{"{4BD96FC0-AB17-4425-A14A-439185962DC8}", OfferWebcam},
		{"{41D3E74E-04A2-4B37-96F8-08ACDB610874}", OfferPhotos}, {"{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}", OfferGame},
		{"{00000000-0000-0000-0000-000000000000}", OfferOther},
	} {
		call := fmt.Sprintf(call, i)
		message := slpInvite(test.guid, call)
		for again := range 2 { // the same again is acknowledged, and not told
			for _, p := range slp.Split(message, uint32(100+i), 9) {
				sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", p))
			}
			answered(call, len(message), uint32(100+i), 2-again)
		}
		if e := waitFor[InvitationReceived](t, client); e.Offer != test.offer || e.From != "bob@example.com" || e.Conversation.Peer() != "bob@example.com" {
			t.Errorf("%s is %+v", test.guid, e)
		}
	}
	// For somebody else, or no packet, or none that wants an answer.
	whole := slp.Packet{ID: 1, AckID: 9, Data: "BYE", Total: 3}
	control, others, nobodys := whole, whole, whole
	control.Flags, control.ID, others.ID, nobodys.ID = 2, 2, 3, 4
	sb.sendMessage("bob@example.com", "Bob", packetPayload("carol@example.com", others))
	sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", control))
	sb.sendMessage("bob@example.com", "Bob", packetPayload("", nobodys))
	sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", whole))
	cmd := sb.read()
	if p, ok := slp.Parse(wire.ParseMessage(cmd.Payload).Body); !ok || p.AckID != 1 || p.Data != "" {
		t.Errorf("a message is acknowledged by %+v", p)
	}
	sb.sendMessage("bob@example.com", "Bob", textPayload("done"))
	if e, ok := nextEvent(t, client).(TextReceived); !ok || e.Text != "done" {
		t.Errorf("event %+v", e)
	}
}

// Who floods is answered slowly, and another one at once.
func TestFloodOfInvitations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing)
		sb := n.ring(ns, "bob@example.com")
		answers := 0
		go func() {
			for {
				if _, err := sb.reader.Read(); err != nil {
					return
				}
				answers++
			}
		}()
		waitFor[ParticipantJoined](t, client)
		for i := range 200 {
			sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, fmt.Sprint(i), fileLines))
		}
		sb.sendMessage("bob@example.com", "Bob", textPayload("done"))
		synctest.Wait()
		told := 0
		for done := false; !done; {
			switch nextEvent(t, client).(type) {
			case InvitationReceived:
				told++
			case TextReceived:
				done = true
			}
		}
		if told != 20 || answers != 20 {
			t.Errorf("%d are told, %d answered", told, answers)
		}
		time.Sleep(5 * time.Second)
		sb.sendMessage("bob@example.com", "Bob", offerPayload("INVITE", fileGUID, "1000", fileLines))
		waitFor[InvitationReceived](t, client)
	})
}

// Who asks for many pictures is heard all the same when they offer something, and none of what they
// write by hand is lost.
func TestRequestsForPicturesLeaveOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing)
		sb := n.ring(ns, "bob@example.com")
		go func() {
			for {
				if _, err := sb.reader.Read(); err != nil {
					return
				}
			}
		}()
		waitFor[ParticipantJoined](t, client)
		id := uint32(100)
		asks := func(guid string) {
			id++
			for _, p := range slp.Split(slpInvite(guid, fmt.Sprintf("{A6335136-7BD1-9BDC-41C5-%012d}", id)), id, 9) {
				sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", p))
			}
		}
		for range 40 {
			asks("{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}")
		}
		asks("{6A13AF9C-5308-4F35-923A-67E8DDA40C2F}")
		if e := waitFor[InvitationReceived](t, client); e.Offer != OfferGame {
			t.Errorf("told %+v", e)
		}
		var wide []byte
		for _, c := range []byte("MIME-Version: 1.0\r\nContent-Type: image/gif\r\n\r\n" + inkGIF[:6] + "+") {
			wide = append(wide, c, 0)
		}
		for i := range 40 {
			p := slp.Packet{Session: 64, ID: uint32(1000 + i), AckID: 6, Total: uint64(len(wide)), Data: string(wide), Footer: 3}
			sb.sendMessage("bob@example.com", "Bob", packetPayload("alice@example.com", p))
		}
		sb.sendMessage("bob@example.com", "Bob", textPayload("done"))
		drawn := 0
		for done := false; !done; {
			switch nextEvent(t, client).(type) {
			case InkReceived:
				drawn++
			case TextReceived:
				done = true
			}
		}
		if drawn != 40 {
			t.Errorf("%d of 40 pictures have come", drawn)
		}
	})
}
