package msn_test

import (
	"bytes"
	"fmt"
	"testing"

	"matrix-msn/msn"
)

// Pictures in a text are announced before it, and whoever reads it can have them: alone and in a group chat,
// those that move by themselves, and as many as others read.
func TestPicturesInAText(t *testing.T) {
	for _, d := range withObjects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pairOf(t, d, withObjects[(int(d)+1)%len(withObjects)])
			var sent []msn.Emoticon
			pictures := make(map[string][]byte)
			for i := range 2*msn.MaxEmoticons + 2 {
				shortcut := fmt.Sprintf("(pic%d)", i)
				pictures[shortcut] = content(300 + i)
				o, err := b.OfferEmoticon(pictures[shortcut])
				if err != nil {
					t.Fatal(err)
				}
				sent = append(sent, msn.Emoticon{Shortcut: shortcut, Object: o, Animated: i%2 == 1})
			}
			if err := b.Conversation(alice).StartTextWith(t.Context(), nil, sent, "look (pic0) (pic1)", "")(); err != nil {
				t.Fatal(err)
			}
			got := wait(a, "the text", func(e msn.TextReceived) bool { return true })
			if got.Text != "look (pic0) (pic1)" || len(got.Emoticons) != 2*msn.MaxEmoticons {
				t.Fatalf("%q with %d pictures", got.Text, len(got.Emoticons))
			}
			for _, e := range got.Emoticons[:6] {
				var data bytes.Buffer
				if err := a.Fetch(t.Context(), bob, e.Object, &data, nil); err != nil || !bytes.Equal(data.Bytes(), pictures[e.Shortcut]) {
					t.Errorf("%s: %d bytes, %v", e.Shortcut, data.Len(), err)
				}
			}
			for _, e := range got.Emoticons {
				if moves := e.Shortcut[len(e.Shortcut)-2]%2 == 1; e.Animated != moves {
					t.Errorf("%s moves: %t", e.Shortcut, e.Animated)
				}
			}
			if err := b.Conversation(alice).SendText(t.Context(), "without", ""); err != nil {
				t.Fatal(err)
			}
			if got := wait(a, "the next text", func(e msn.TextReceived) bool { return e.Text == "without" }); len(got.Emoticons) != 0 {
				t.Errorf("%d pictures are left", len(got.Emoticons))
			}
		})
	}
}

// Below MSNP9 nobody has pictures: the text goes alone.
func TestPicturesInATextOfAnOldDialect(t *testing.T) {
	t.Parallel()
	a, b := pairOf(t, 8, 8)
	o, err := b.OfferEmoticon(content(10))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Conversation(alice).StartTextWith(t.Context(), nil, []msn.Emoticon{{Shortcut: "(x)", Object: o}}, "look (x)", "")(); err != nil {
		t.Fatal(err)
	}
	if got := wait(a, "the text", func(e msn.TextReceived) bool { return true }); got.Text != "look (x)" || len(got.Emoticons) != 0 {
		t.Errorf("%q with %d pictures", got.Text, len(got.Emoticons))
	}
}
