package msn

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/wire"
)

// yahoo is an address book with frank of Yahoo and gina's telephone.
func yahoo(w *fakeWeb) {
	w.book += "<Contact><contactId>c4</contactId><contactInfo><contactType>Regular</contactType><emails><ContactEmail><contactEmailType>Messenger2</contactEmailType>" +
		"<email>frank@yahoo.example</email><isMessengerEnabled>true</isMessengerEnabled><Capability>32</Capability></ContactEmail></emails></contactInfo></Contact>" +
		"<Contact><contactId>c5</contactId><contactInfo><contactType>Regular</contactType><isMessengerUser>true</isMessengerUser>" + mobile("+15551112222") + "</contactInfo></Contact>"
}

func TestYahooContactsAreWrittenToByUUM(t *testing.T) {
	for _, d := range modernDialects {
		for answer, want := range map[string]error{"": nil, "217": ErrNoSuchContact, "500": ErrNotDelivered} {
			t.Run(d.String()+" "+answer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, _, ns := webIn(t, d, yahoo, longPing)
					sent := goSend(t, client.Conversation("Frank@yahoo.example"), "Hello ♥")
					if d < wire.FirstNetworks {
						if err := waitError(t, sent); !errors.Is(err, ErrNetwork) {
							t.Errorf("error %v", err)
						}
						ns.barrier()
						return
					}
					cmd := ns.expect("UUM " + firstTrID(d) + " frank@yahoo.example 32 1")
					if m := wire.ParseMessage(cmd.Payload); m.Text() != "Hello ♥" || m.MediaType() != "text/plain" {
						t.Errorf("payload %q", cmd.Payload)
					}
					if answer != "" {
						ns.send(answer + " " + firstTrID(d))
					}
					if err := waitError(t, sent); !errors.Is(err, want) {
						t.Errorf("error %v", err)
					}
					ns.barrier()
				})
			})
		}
	}
}

func TestLongTextToYahooSaysHowFarItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, ns := webIn(t, 15, yahoo, longPing)
		sent := goSend(t, client.Conversation("frank@yahoo.example"), strings.Repeat("x", wire.MaxSwitchboardPayload))
		ns.read()
		second := ns.read()
		ns.send("500 " + second.Arg(0))
		err := waitError(t, sent)
		parts, ok := errors.AsType[*PartsError](err)
		if !ok || parts.Parts != 2 || parts.Acknowledged != 1 || parts.Uncertain != 0 || parts.First != longtext.MaxBody || parts.Characters != wire.MaxSwitchboardPayload || !errors.Is(err, ErrNotDelivered) {
			t.Errorf("error %v", err)
		}
	})
}

func TestContactsOfOtherNetworksAreRefused(t *testing.T) {
	client, _, ns := webIn(t, 18, yahoo)
	if err := client.Conversation("tel:+15551112222").SendText(t.Context(), "x", ""); !errors.Is(err, ErrNetwork) {
		t.Errorf("error %v", err)
	}
	ns.barrier()
}

func TestTextToYahooIsUncertainWhenTheConnectionEnds(t *testing.T) {
	client, _, ns := webIn(t, 15, yahoo)
	sent := goSend(t, client.Conversation("frank@yahoo.example"), "x")
	ns.read()
	ns.close()
	if err := waitError(t, sent); !errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
	waitEnd(t, client)
	if err := client.Conversation("frank@yahoo.example").SendText(t.Context(), "x", ""); !errors.Is(err, ErrNotConnected) || errors.Is(err, ErrUncertain) {
		t.Errorf("after the end: %v", err)
	}
}

// waitEnd reads the events to the last.
func waitEnd(t *testing.T, client *Client) {
	t.Helper()
	for {
		if _, over := nextEvent(t, client).(Disconnected); over {
			return
		}
	}
}

func TestMessagesOfOtherNetworks(t *testing.T) {
	for _, d := range []wire.Dialect{14, 16, 18} {
		client, _, ns := webIn(t, d, yahoo)
		ubm := func(from, kind, payload string) {
			ns.send(fmt.Sprintf("UBM %s 32 alice@example.com 1 %s %d\r\n%s", from, kind, len(payload), payload))
		}
		ubm("alice@example.com", "1", textPayload("from oneself"))
		ubm("Frank@yahoo.example", "1", textPayload("first\r\nline"))
		if e, ok := nextEvent(t, client).(TextReceived); !ok || e.From != "frank@yahoo.example" || e.Text != "first\nline" || e.Seq != 1 ||
			e.Conversation.Peer() != e.From || e.Session == "" {
			t.Errorf("event %+v", e)
		}
		ubm("frank@yahoo.example", "2", "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: eve@example.com\r\n\r\n")
		if e, ok := nextEvent(t, client).(TypingReceived); !ok || e.From != "frank@yahoo.example" {
			t.Errorf("event %+v", e)
		}
		ubm("frank@yahoo.example", "3", "MIME-Version: 1.0\r\nContent-Type: text/x-msnmsgr-datacast\r\n\r\nID: 1\r\n")
		if e, ok := nextEvent(t, client).(NudgeReceived); !ok || e.Seq != 2 || e.From != "frank@yahoo.example" {
			t.Errorf("event %+v", e)
		}
		ns.send("UBM 2\r\nxx", "UBM frank@yahoo.example 0\r\n", "UBM a 1 2\r\nxx")
		ns.barrier()
	}
}
