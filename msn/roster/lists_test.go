package roster

import (
	"reflect"
	"strings"
	"testing"

	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// feed gives lines to a new book as the server would send them.
func feed(t testing.TB, d wire.Dialect, lines ...string) (*Book, []event.Event) {
	t.Helper()
	b := New(d, "me@example.com", "")
	var events []event.Event
	reader := wire.NewReader(strings.NewReader(strings.Join(lines, "\r\n")+"\r\n"), wire.FromServer)
	for {
		cmd, err := reader.Read()
		if err != nil {
			return b, events
		}
		if cmd.Verb == "SYN" {
			b.Begin(cmd)
			continue
		}
		events = append(events, b.Apply(cmd)...)
	}
}

func TestListShapes(t *testing.T) {
	const all = ListForward | ListAllow | ListReverse
	for _, test := range []struct {
		name  string
		d     wire.Dialect
		lines []string
		want  []Contact
	}{
		{"MSNP2", 2, []string{
			"SYN 5 255", "GTC 5 255 A", "BLP 5 255 AL",
			"LST 5 FL 255 1 2 bob@example.com Bob", "LST 5 FL 255 2 2 Carol@Example.com Carol",
			"LST 5 AL 255 1 1 bob@example.com Bob", "LST 5 BL 255 0 0", "LST 5 RL 255 1 1 bob@example.com Bob",
		}, []Contact{
			{Account: "bob@example.com", Name: "Bob", Lists: all},
			{Account: "carol@example.com", Name: "Carol", Lists: ListForward},
		}},
		{"MSNP5, with and without account in BPR", 5, []string{
			"SYN 5 255", "PRP 5 255 PHH 1", "PRP 255 PHW",
			"LST 5 FL 255 1 2 bob@example.com Bob", "BPR 255 bob@example.com PHH 1%20(222)", "BPR 255 bob@example.com PHW",
			"LST 5 FL 255 2 2 carol@example.com Carol", "BPR 255 PHM 333", "BPR 4 MOB Y",
			"LST 5 RL 255 0 0",
		}, []Contact{
			{Account: "bob@example.com", Name: "Bob", Lists: ListForward, Properties: map[string]string{"PHH": "1 (222)"}},
			{Account: "carol@example.com", Name: "Carol", Lists: ListForward, Properties: map[string]string{"PHM": "333", "MOB": "Y"}},
		}},
		{"MSNP7 groups", 7, []string{
			"SYN 5 255", "LSG 5 255 1 2 0 ~ 0", "LSG 5 255 2 2 3 My%20Friends 0",
			"LST 5 FL 255 1 1 bob@example.com Bob 0,3", "LST 5 RL 255 1 1 bob@example.com Bob",
		}, []Contact{{Account: "bob@example.com", Name: "Bob", Lists: ListForward | ListReverse, Groups: []string{"0", "3"}}}},
		{"MSNP8", 8, []string{
			"SYN 5 255 2 1", "LSG 0 Other%20Contacts 0", "LST bob@example.com Bob 11 0", "BPR PHH 1", "LST eve@example.com Eve 8",
		}, []Contact{
			{Account: "bob@example.com", Name: "Bob", Lists: all, Groups: []string{"0"}, Properties: map[string]string{"PHH": "1"}},
			{Account: "eve@example.com", Name: "Eve", Lists: ListReverse},
		}},
		{"MSNP10", 10, []string{
			"SYN 5 2024-09-28T17:18:18.64-07:00 2024-09-28T17:18:18.64-07:00 3 1",
			"LSG Friends d6deeacd-7849-4de4-93c5-d130915d0042",
			"LST N=bob@example.com F=Bob C=c1f9a363-4ee9-4a33-a434-b056a4c55b98 11 d6deeacd-7849-4de4-93c5-d130915d0042",
			"LST N=eve@example.com F=Eve 8", "LST N=dan@example.com 16",
		}, []Contact{
			{Account: "bob@example.com", Name: "Bob", Lists: all, GUID: "c1f9a363-4ee9-4a33-a434-b056a4c55b98", Groups: []string{"d6deeacd-7849-4de4-93c5-d130915d0042"}},
			{Account: "dan@example.com", Lists: ListPending},
			{Account: "eve@example.com", Name: "Eve", Lists: ListReverse},
		}},
		{"MSNP10 with numbers", 10, []string{
			"SYN 5 0 0 1 1", "LSG ~ 0", "LST N=bob@example.com F=Bob C=bob@example.com 3 0,1",
		}, []Contact{{Account: "bob@example.com", Name: "Bob", Lists: 3, GUID: "bob@example.com", Groups: []string{"0", "1"}}}},
		{"MSNP11 with an empty group field", 11, []string{
			"SYN 5 0 0 1 0", "LST N=bob@example.com F=Bob C=guid 19 ",
		}, []Contact{{Account: "bob@example.com", Name: "Bob", Lists: ListForward | ListAllow | ListPending, GUID: "guid"}}},
		{"MSNP12 with the network", 12, []string{
			"SYN 5 0 0 3 0", "LST N=bob@example.com F=Bob C=guid 3 1 ", "LST N=tel:15551111222 F=john C=guid2 1 4 g1,g2",
			"LST N=eve@example.com F=Eve 16 1 ",
		}, []Contact{
			{Account: "bob@example.com", Name: "Bob", Lists: 3, GUID: "guid", Network: 1},
			{Account: "eve@example.com", Name: "Eve", Lists: ListPending, Network: 1},
			{Account: "tel:15551111222", Name: "john", Lists: ListForward, GUID: "guid2", Network: 4, Groups: []string{"g1", "g2"}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := feed(t, test.d, test.lines...)
			if !r.Complete() {
				t.Error("not complete")
			}
			for i := range test.want {
				test.want[i].Status = Offline
			}
			if got := r.Listed(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			r, _ = feed(t, test.d, test.lines[:len(test.lines)-1]...)
			if r.Complete() {
				t.Error("complete before the last line")
			}
		})
	}
}

func TestListsThatChange(t *testing.T) {
	base := map[wire.Dialect][]string{
		7:  {"SYN 5 1", "LSG 5 1 1 1 0 ~ 0", "LST 5 FL 1 1 1 bob@example.com Bob 0", "LST 5 RL 1 0 0"},
		10: {"SYN 5 0 0 1 1", "LSG Friends g1", "LST N=bob@example.com F=Bob C=guid 1 g1"},
	}
	for _, test := range []struct {
		name  string
		d     wire.Dialect
		line  string
		check func(*Book) bool
		makes []event.Event // only their types count
	}{
		{"added you", 7, "ADD 0 RL 258 eve@example.com Eve", onList("eve@example.com", ListReverse), []event.Event{ContactChanged{}, AddedYou{}}},
		{"added you", 10, "ADC 0 RL N=eve@example.com F=Eve", onList("eve@example.com", ListReverse), []event.Event{ContactChanged{}, AddedYou{}}},
		{"removed you, unknown", 7, "REM 0 RL 259 eve@example.com", onList("bob@example.com", ListForward), nil},
		{"blocked elsewhere", 7, "ADD 0 BL 258 bob@example.com Bob", onList("bob@example.com", ListForward|ListBlock), []event.Event{ContactChanged{}}},
		{"blocked elsewhere", 10, "ADC 0 BL N=bob@example.com", onList("bob@example.com", ListForward|ListBlock), []event.Event{ContactChanged{}}},
		{"removed elsewhere", 7, "REM 0 FL 258 bob@example.com", onList("bob@example.com", 0), []event.Event{ContactChanged{}}},
		{"removed elsewhere", 10, "REM 0 FL guid", onList("bob@example.com", 0), []event.Event{ContactChanged{}}},
		{"into a group", 7, "ADD 0 FL 258 bob@example.com Bob 3", inGroups("0", "3"), []event.Event{ContactChanged{}}},
		{"into a group", 10, "ADC 0 FL C=guid g2", inGroups("g1", "g2"), []event.Event{ContactChanged{}}},
		{"out of a group", 7, "REM 0 FL 258 bob@example.com 0", inGroups(), []event.Event{ContactChanged{}}},
		{"out of a group", 10, "REM 0 FL guid g1", inGroups(), []event.Event{ContactChanged{}}},
		{"group removed", 7, "RMG 0 258 0", inGroups(), []event.Event{GroupsChanged{}}},
		{"group removed", 10, "RMG 0 1 g1", inGroups(), []event.Event{GroupsChanged{}}},
		{"group renamed", 7, "REG 0 258 0 New%20Name 0", groupNamed("0", "New Name"), []event.Event{GroupsChanged{}}},
		{"group renamed", 10, "REG 0 1 New%20Name g1 0", groupNamed("g1", "New Name"), []event.Event{GroupsChanged{}}},
		{"group made", 7, "ADG 0 258 New 7 0", groupNamed("7", "New"), []event.Event{GroupsChanged{}}},
		{"group made", 10, "ADG 0 New g7 0", groupNamed("g7", "New"), []event.Event{GroupsChanged{}}},
		{"phone number", 7, "BPR 258 bob@example.com PHH 1", property("PHH", "1"), []event.Event{ContactChanged{}}},
		{"phone number", 10, "BPR bob@example.com PHH 1", property("PHH", "1"), []event.Event{ContactChanged{}}},
		{"phone number removed", 7, "BPR 258 bob@example.com PHH", property("PHH", ""), nil},
		{"alias", 10, "SBP 0 guid MFN Bobby", named("Bobby"), []event.Event{ContactChanged{}}},
		{"alias", 7, "REA 0 258 bob@example.com Bobby", named("Bobby"), []event.Event{ContactChanged{}}},
		{"own name", 7, "REA 0 258 Me@example.com Me%20Two", ownName("Me Two"), []event.Event{NameChanged{}}},
		{"own name", 10, "PRP 0 MFN Me%20Two", ownName("Me Two"), []event.Event{NameChanged{}}},
		{"own name in SYN", 10, "PRP MFN Me%20Two", ownName("Me Two"), []event.Event{NameChanged{}}},
	} {
		t.Run(test.d.String()+" "+test.name, func(t *testing.T) {
			r, events := feed(t, test.d, append(base[test.d], test.line)...)
			if !test.check(r) {
				t.Errorf("%q leaves %+v, groups %+v, own name %q", test.line, r.Listed(), r.groups, r.ownName)
			}
			var got, want []string
			for _, e := range events {
				got = append(got, reflect.TypeOf(e).Name())
			}
			for _, e := range test.makes {
				want = append(want, reflect.TypeOf(e).Name())
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q makes %v, want %v", test.line, got, want)
			}
		})
	}
}

func onList(account string, lists List) func(*Book) bool {
	return func(r *Book) bool { return r.find(account).Lists == lists }
}

func inGroups(groups ...string) func(*Book) bool {
	return func(r *Book) bool {
		got := r.find("bob@example.com").Groups
		return len(got) == len(groups) && (len(got) == 0 || reflect.DeepEqual(got, groups))
	}
}

func groupNamed(id, name string) func(*Book) bool {
	return func(r *Book) bool {
		for _, g := range r.groups {
			if g.ID == id {
				return g.Name == name
			}
		}
		return false
	}
}

func property(key, value string) func(*Book) bool {
	return func(r *Book) bool { return r.find("bob@example.com").Properties[key] == value }
}

func named(name string) func(*Book) bool {
	return func(r *Book) bool { return r.find("bob@example.com").Name == name }
}

func ownName(name string) func(*Book) bool {
	return func(r *Book) bool { return r.ownName == name }
}

// Only the lists that others keep tell who has the user on theirs.
func TestReverse(t *testing.T) {
	t.Parallel()
	for lists, want := range map[List]bool{
		0: false, ListForward: false, ListForward | ListAllow: false, ListBlock: false,
		ListReverse: true, ListPending: true, ListForward | ListAllow | ListReverse: true,
	} {
		if (Contact{Lists: lists}).Reverse() != want {
			t.Errorf("lists %b: %v", lists, !want)
		}
	}
}
