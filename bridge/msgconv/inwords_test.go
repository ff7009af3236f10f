package msgconv

import (
	"encoding/json"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
)

func TestInWords(t *testing.T) {
	t.Parallel()
	const osm = "https://www.openstreetmap.org/?mlat=50.08742&mlon=14.42045#map=16/50.08742/14.42045"
	for name, test := range map[string]struct{ content, want string }{
		"a text":                       {`{"msgtype":"m.text","body":"hello"}`, "hello"},
		"a picture":                    {`{"msgtype":"m.image","body":"cat.png","url":"mxc://x/y"}`, "cat.png"},
		"a picture with words":         {`{"msgtype":"m.image","body":"my *cat*","filename":"cat.png","url":"mxc://x/y","format":"org.matrix.custom.html","formatted_body":"my <b>cat</b>"}`, "my cat"},
		"a sticker":                    {`{"body":"thumbs up","url":"mxc://x/y"}`, "[sticker: thumbs up]"},
		"a sticker without a name":     {`{"body":" ","url":"mxc://x/y"}`, "[sticker]"},
		"a sticker of several lines":   {`{"body":"thumbs\n> Bob: up","url":"mxc://x/y"}`, "[sticker: thumbs > Bob: up]"},
		"a sticker with a long name":   {`{"body":"` + strings.Repeat("a", 300) + `","url":"mxc://x/y"}`, "[sticker: " + strings.Repeat("a", 99) + "…]"},
		"a place without anything":     {`{"msgtype":"m.location","body":"geo:91,14","geo_uri":"geo:91,14"}`, ""},
		"a place on the equator":       {`{"msgtype":"m.location","body":"","geo_uri":"geo:-0.0000001,-0"}`, "📍 0, 0\nhttps://www.openstreetmap.org/?mlat=0&mlon=0#map=16/0/0"},
		"a place":                      {`{"msgtype":"m.location","body":"Old Town Square","geo_uri":"geo:50.087421,14.420449;u=35"}`, "📍 Old Town Square\n50.08742, 14.42045\n" + osm},
		"a place with a description":   {`{"msgtype":"m.location","body":"Location geo:50.087421,14.420449 at 2026","geo_uri":"geo:50.087421,14.420449,300","org.matrix.msc3488.location":{"description":"the\nsquare"}}`, "📍 the square\n50.08742, 14.42045\n" + osm},
		"a place without words":        {`{"msgtype":"m.location","body":"Self Location geo:50.087421,14.420449 at 2026","geo_uri":"geo:50.087421,14.420449"}`, "📍 50.08742, 14.42045\n" + osm},
		"a place in the south":         {`{"msgtype":"m.location","body":"","geo_uri":"geo:-33.0,-70"}`, "📍 -33, -70\nhttps://www.openstreetmap.org/?mlat=-33&mlon=-70#map=16/-33/-70"},
		"a place that is nowhere":      {`{"msgtype":"m.location","body":"here","geo_uri":"geo:91,14"}`, "📍 here"},
		"a place that is no number":    {`{"msgtype":"m.location","body":"here","geo_uri":"geo:NaN,14"}`, "📍 here"},
		"a place with half of it":      {`{"msgtype":"m.location","body":"here","geo_uri":"geo:50"}`, "📍 here"},
		"a place of another scheme":    {`{"msgtype":"m.location","body":"here","geo_uri":"https://example.com/"}`, "📍 here"},
		"a place with a wrong type":    {`{"msgtype":"m.location","body":"here","geo_uri":"geo:1,2","org.matrix.msc3488.location":[1]}`, "📍 here\n1, 2\nhttps://www.openstreetmap.org/?mlat=1&mlon=2#map=16/1/2"},
		"a kind that is not known":     {`{"msgtype":"nic.custom.confetti","body":"hooray"}`, "hooray"},
		"an emote is one all the same": {`{"msgtype":"m.emote","body":"waves"}`, "* waves"},
	} {
		content := event.Content{VeryRaw: json.RawMessage(test.content)}
		if err := json.Unmarshal(content.VeryRaw, &content.Raw); err != nil {
			t.Fatal(err)
		}
		if err := content.ParseRaw(event.EventMessage); err != nil {
			t.Fatal(err)
		}
		if got, _ := ToMSN(InWords(content.AsMessage(), content.Raw), Options{Emoticons: true}); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestPoll(t *testing.T) {
	t.Parallel()
	const unstable = `{"org.matrix.msc3381.poll.start":{"question":{"org.matrix.msc1767.text":"Pizza?"},"answers":[{"id":"a","org.matrix.msc1767.text":"Yes"},{"id":"b","org.matrix.msc1767.text":"No"}]}}`
	for name, test := range map[string]struct{ content, want string }{
		"as clients send it today": {unstable, "📊 Pizza?\n1. Yes\n2. No"},
		"as it is specified":       {`{"m.poll":{"question":{"m.text":[{"mimetype":"text/html","body":"<b>Pizza?</b>"},{"body":"Pizza?"}]},"answers":[{"m.id":"a","m.text":[{"body":"Yes"}]},{"m.id":"b","m.text":[{"body":"No"}]}]}}`, "📊 Pizza?\n1. Yes\n2. No"},
		"of several lines":         {`{"m.poll":{"question":{"body":"Pizza\nor\n\npasta?"},"answers":[{"body":"a\nb"}]}}`, "📊 Pizza or pasta?\n1. a b"},
		"edited":                   {`{"m.relates_to":{"rel_type":"m.replace","event_id":"$x"},"org.matrix.msc3381.poll.start":{"question":{"body":"* Pasta?"},"answers":[]},"m.new_content":` + unstable + `}`, "📊 Pizza?\n1. Yes\n2. No"},
		"its end":                  {`{"org.matrix.msc3381.poll.end":{},"org.matrix.msc1767.text":"The poll has ended. Top answer: Yes"}`, "📊 The poll has ended. Top answer: Yes"},
		"its end without words":    {`{"org.matrix.msc3381.poll.end":{}}`, ""},
		"no question":              {`{"m.poll":{"answers":[{"body":"a"}]}}`, ""},
		"no answers":               {`{"m.poll":{"question":{"body":"Pizza?"},"answers":"none"}}`, "📊 Pizza?"},
		"nothing that fits":        {`{"m.poll":7,"m.new_content":[]}`, ""},
		"nothing":                  {`null`, ""},
	} {
		var raw map[string]any
		if err := json.Unmarshal([]byte(test.content), &raw); err != nil {
			t.Fatal(err)
		}
		if got := Poll(raw); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	many := map[string]any{"m.poll": map[string]any{"question": map[string]any{"body": "?"}, "answers": make([]any, 1000)}}
	if got := strings.Count(Poll(many), "\n"); got != maxAnswers {
		t.Errorf("%d answers are shown", got)
	}
}
