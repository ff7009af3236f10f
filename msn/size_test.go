package msn

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
)

// allEvents is one of each.
var allEvents = []Event{
	PresenceChanged{}, PersonalMessageChanged{}, ContactChanged{}, AddedYou{}, RemovedYou{}, EndpointsChanged{}, CirclesChanged{},
	TextReceived{}, TextSent{}, TypingReceived{}, NudgeReceived{}, FileOffered{}, WinkReceived{}, VoiceClipReceived{}, ActionReceived{}, InkReceived{}, InvitationReceived{}, OtherReceived{}, ParticipantJoined{}, ParticipantLeft{}, BecameGroup{}, CallFailed{}, OfflineReceived{},
	AlertReceived{}, DataReceived{}, AlertsSuppressed{}, MailCounted{}, MailReceived{}, ShutdownAnnounced{}, SystemMessage{},
	PageReceived{}, PageBounced{}, ServerMessage{}, GroupsChanged{}, NameChanged{}, Disconnected{},
}

func TestEveryEventIsAmongThoseThatAreMeasured(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, d := range file.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			declared += len(d.Specs)
		}
	}
	if declared-1 != len(allEvents) { // without Event itself
		t.Errorf("%d events are declared, and %d are measured", declared-1, len(allEvents))
	}
}

// A text in any field of an event counts for its size: the limit of those that wait to be
// read holds for all of them.
func TestEventsSayTheirSize(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1000)
	for _, empty := range allEvents {
		v := reflect.New(reflect.TypeOf(empty)).Elem()
		want := empty.Size() + len(text)*fillTexts(v, text)
		if got := v.Interface().(Event).Size(); got < want {
			t.Errorf("%T has the size %d, want at least %d", empty, got, want)
		}
	}
}

// fillTexts puts a text wherever one can stand, and returns how many places that are. A
// Conversation is shared by its events, and an error no text of the other side's.
func fillTexts(v reflect.Value, text string) (places int) {
	switch {
	case !v.CanSet(), v.Type() == reflect.TypeFor[*Conversation](), v.Type() == reflect.TypeFor[error]():
	case v.Kind() == reflect.String:
		v.SetString(text)
		return 1
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fillTexts(v.Elem(), text)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			places += fillTexts(v.Field(i), text)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			places += fillTexts(v.Index(i), text)
		}
	case v.Kind() == reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		places = fillTexts(key, text) + fillTexts(value, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	}
	return places
}
