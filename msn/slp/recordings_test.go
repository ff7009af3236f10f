package slp

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// Every packet, message and object of the recordings is read, and written again as it was.
func TestRecordings(t *testing.T) {
	transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
		t.Parallel()
		if !strings.Contains(rec.Path, "libpurple") {
			t.Skip("the packets in it were made up to try a server")
		}
		joiners := make(map[string]*Joiner)
		packets := 0
		for _, r := range rec.Records {
			if r.Kind != transcript.FromClient || !strings.HasPrefix(r.Conn, "SB") {
				continue
			}
			_, payload, found := strings.Cut(r.Text, "\r\n")
			m := wire.ParseMessage(payload)
			if !found {
				continue
			}
			switch m.MediaType() {
			case Emoticons, AnimatedEmoticons:
				list := ParseEmoticons(m.Body)
				if len(list) == 0 {
					t.Errorf("%v: no emoticons", r)
				}
				for _, e := range list {
					checkObject(t, e.Object)
				}
				if again := EmoticonsBody(list); strings.TrimRight(again, "\t") != strings.TrimRight(m.Body, "\t\r\n") {
					t.Errorf("%v: written as %q", r, again)
				}
			case MediaType:
				packets++
				key := r.Who + "/" + r.Conn
				if joiners[key] == nil {
					joiners[key] = new(Joiner)
				}
				checkPacket(t, r, m.Body, joiners[key])
			}
		}
		if packets == 0 {
			t.Skip("this recording holds no packets")
		}
	}, "../testdata/transcripts")
}

func checkPacket(t *testing.T, r transcript.Record, body string, j *Joiner) {
	p, ok := Parse(body)
	if !ok {
		t.Errorf("%v: not read", r)
		return
	}
	// The length that the packet tells of itself is wrong in one recording.
	again := p.Body()
	if again[:24]+again[28:] != body[:24]+body[28:] {
		t.Errorf("%v: written as %q", r, again)
	}
	text, whole := j.Join(p, now)
	if !whole || p.Session != 0 {
		return
	}
	m, err := ParseMessage(text)
	if err != nil {
		t.Errorf("%v: %v in %q", r, err, text)
		return
	}
	if again := m.Text(); again != text {
		t.Errorf("%v: message written as %q", r, again)
	}
	if m.Request != Invite {
		return
	}
	o, ok := ParseOffer(m)
	switch {
	case !ok:
		t.Errorf("%v: no offer in %q", r, text)
	case o.Kind == ForObject:
		object, err := ParseObject(string(o.Context))
		if err != nil {
			t.Errorf("%v: %v", r, err)
		}
		checkObject(t, object)
	case o.Kind == File:
		if f, ok := ParseFile(o.Context); !ok || f.Name == "" || f.Size == 0 {
			t.Errorf("%v: file %+v", r, f)
		}
	default:
		t.Errorf("%v: offers %+v", r, o)
	}
	// Addresses, branch and call differ; what is offered stands there as it did.
	if own := o.Body(false); ok && own != m.Body {
		t.Errorf("%v: body written as %q, was %q", r, own, m.Body)
	}
}

// checkObject holds the hash that we give an object against that in one of a real client.
func checkObject(t *testing.T, o Object) {
	t.Helper()
	own := o
	own.Text = ""
	var fields struct {
		SHA1C    string `xml:"SHA1C,attr"`
		Friendly string `xml:"Friendly,attr"`
	}
	if err := xml.Unmarshal([]byte(o.Text), &fields); err != nil {
		t.Fatal(err)
	}
	hash := sha1.Sum([]byte("Creator" + o.Creator + "Size" + itoa(o.Size) + "Type" + itoa(uint64(o.Type)) + "Location" + o.Location +
		"Friendly" + fields.Friendly + "SHA1D" + base64.StdEncoding.EncodeToString(o.Hash[:])))
	if got := base64.StdEncoding.EncodeToString(hash[:]); got != fields.SHA1C {
		t.Errorf("hash %s of %s", got, o.Text)
	}
	if again, err := ParseObject(own.String()); err != nil || again.Hash != o.Hash || again.Size != o.Size || again.Type != o.Type || again.Creator != o.Creator {
		t.Errorf("%q is written as %q", o.Text, own.String())
	}
}
