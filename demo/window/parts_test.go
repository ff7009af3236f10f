package window

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

func TestPartsOfATextAreWordsAndPictures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		pictures map[string]string
		want     []Part
	}{
		"words":             {"hello", nil, []Part{{Text: "hello"}}},
		"nothing":           {"", map[string]string{"a": "/m"}, nil},
		"MSN's own":         {"hello :) (Y)", nil, []Part{{Text: "hello 🙂 👍"}}},
		"one of their own":  {"a(me)b", map[string]string{"(me)": "/m"}, []Part{{Text: "a"}, {"(me)", "/m"}, {Text: "b"}}},
		"the longest":       {"(me)x", map[string]string{"(me)": "/m", "(me)x": "/x"}, []Part{{"(me)x", "/x"}}},
		"over MSN's own":    {":)", map[string]string{":)": "/m"}, []Part{{":)", "/m"}}},
		"not in an address": {"http://a/x b", map[string]string{"a/x": "/m", "b": "/b"}, []Part{{Text: "http://a/x "}, {"b", "/b"}}},
		"no UTF-8 is cut":   {"ü(me)ü", map[string]string{"(me)": "/m"}, []Part{{Text: "ü"}, {"(me)", "/m"}, {Text: "ü"}}},
	} {
		if got := partsOf(c.text, c.pictures); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if n := len(partsOf(string(bytes.Repeat([]byte("x"), 10000)), map[string]string{"x": "/m"})); n != maxPlaced+1 {
		t.Errorf("a text has %d parts", n)
	}
}

func TestShelfKeepsSoMuch(t *testing.T) {
	t.Parallel()
	s := newShelf(1000)
	var ids []string
	for i := range 20 {
		ids = append(ids, s.put(fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 100)).id)
	}
	for i, id := range ids {
		if there := s.get(id) != nil; there != (i >= 10) {
			t.Errorf("%d is there: %v", i, there)
		}
	}
	if again := s.put("19", bytes.Repeat([]byte{19}, 100)); again.id != ids[19] || s.bytes != 1000 || len(s.things) != len(s.order) {
		t.Errorf("the same bytes again: %s; it has %d bytes", again.id, s.bytes)
	}
	if s.put("large", make([]byte, 5000)); len(s.things) != 1 {
		t.Errorf("beside something larger than the shelf are %d", len(s.things)-1)
	}
}
