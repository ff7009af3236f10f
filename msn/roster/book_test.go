package roster

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

func TestEndlessListsAreCut(t *testing.T) {
	t.Parallel()
	b := New(12, "me@example.com", "")
	for i := range MaxContacts + 100 {
		b.open(fmt.Sprintf("contact%d@example.com", i))
	}
	if b.Len() != MaxContacts {
		t.Errorf("%d contacts are kept", b.Len())
	}
	if _, ok := b.Change("one@example.com", func(*Contact) { t.Error("one more is made") }); ok {
		t.Error("one more is changed")
	}
	for i := range 1000 {
		b.setGroup(fmt.Sprint(i), "x")
	}
	if len(b.Groups()) != maxGroups {
		t.Errorf("%d groups are kept", len(b.Groups()))
	}
	c := b.open("contact1@example.com")
	for i := range 1000 {
		c.SetProperty(fmt.Sprintf("K%02d", i), strings.Repeat("x", 10_000))
		c.JoinGroup(fmt.Sprint(i))
	}
	if len(c.Properties) > maxProperties || len(c.Properties["K00"]) > clean.MaxField || len(c.Groups) > maxGroups {
		t.Errorf("%d properties and %d groups are kept", len(c.Properties), len(c.Groups))
	}
}

// What is kept of a contact holds no line in memory, however long the list.
func TestContactsHoldNoLines(t *testing.T) {
	t.Parallel()
	b := New(9, "me@example.com", "")
	for i := range 100 {
		b.open(fmt.Sprintf("contact%d@example.com", i))
	}
	line := strings.Repeat("x", 1000) + "contact1@example.com"
	account := line[1000:]
	contact := b.find(account)
	if contact == nil || unsafe.StringData(contact.Account) == unsafe.StringData(account) {
		t.Errorf("the account of %v is a part of a line", contact)
	}
}

// A snapshot stays what it was when the contact changes.
func TestSnapshotsDoNotChange(t *testing.T) {
	t.Parallel()
	b, _ := feed(t, 10, "LST N=bob@example.com F=Bob C=guid 11 g1,g2", "BPR PHH 1")
	before, _ := b.Find("Bob@Example.com")
	want, _ := b.Find("bob@example.com")
	want.Groups, want.Properties = []string{"g1", "g2"}, map[string]string{"PHH": "1"}
	for _, line := range []wire.Command{
		wire.New("REM", "0", "FL", "guid", "g1"), wire.New("ADC", "0", "FL", "C=guid", "g3"), wire.New("BPR", "bob@example.com", "PHH", "2"),
		wire.New("RMG", "0", "1", "g2"), wire.New("ADC", "0", "BL", "N=bob@example.com"), wire.New("NLN", "BSY", "bob@example.com", "Robert", "1"),
	} {
		b.Apply(line)
	}
	if !reflect.DeepEqual(before, want) {
		t.Errorf("the snapshot is %+v, want %+v", before, want)
	}
	groups := b.Groups()
	b.setGroup("g1", "One")
	if len(groups) != 0 {
		t.Errorf("the groups are %+v", groups)
	}
}

// Lists that come anew take everybody off who is not on them, and leave presence as it is.
func TestListsAreReplaced(t *testing.T) {
	t.Parallel()
	b := New(15, "me@example.com", "")
	fill := func(lists map[string]List) []event.Event {
		return b.Replace([]Group{{ID: "g", Name: "Friends"}}, func(open func(string) *Contact) {
			for account, lists := range lists {
				if c := open(account); c != nil {
					c.Lists |= lists
					c.JoinGroup("g")
				}
			}
		})
	}
	fill(map[string]List{"bob@example.com": ListForward | ListAllow | ListReverse, "carol@example.com": ListAllow, " ": ListForward})
	b.Apply(wire.New("NLN", "BSY", "bob@example.com", "1", "Bob", "12"))
	events := fill(map[string]List{"bob@example.com": ListForward | ListAllow | ListBlock, "dan@example.com": ListPending})
	bob, _ := b.Find("bob@example.com")
	carol, _ := b.Find("carol@example.com")
	dan, _ := b.Find("dan@example.com")
	if bob.Lists != ListForward|ListBlock || bob.Status != Busy || !reflect.DeepEqual(bob.Groups, []string{"g"}) {
		t.Errorf("bob is %+v", bob)
	}
	if carol.Lists != 0 || carol.Groups != nil {
		t.Errorf("carol is %+v", carol)
	}
	want := []event.Event{
		RemovedYou{Contact: bob}, ContactChanged{Contact: bob, Before: ListForward | ListAllow | ListReverse},
		ContactChanged{Contact: carol, Before: ListAllow},
		AddedYou{Contact: dan}, ContactChanged{Contact: dan},
	}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("events %+v, want %+v", events, want)
	}
	if events := fill(map[string]List{"bob@example.com": ListForward | ListBlock, "dan@example.com": ListPending}); len(events) != 0 {
		t.Errorf("the same again makes %+v", events)
	}
}

// Who adds the user waits for an answer, unless there is one.
func TestMembersOfTheServersOwn(t *testing.T) {
	t.Parallel()
	const added = `<ml><d n="example.com"><c n="erin" t="1" l="8" f="Erin"/><c n="bob" l="8"/><c n="zoe" l="1"/></d></ml>`
	b := New(15, "me@example.com", "")
	b.Change("bob@example.com", func(c *Contact) { c.Lists = ListForward | ListBlock })
	events := b.Apply(wire.New("ADL", "0").WithPayload(added))
	erin, _ := b.Find("erin@example.com")
	bob, _ := b.Find("bob@example.com")
	want := []event.Event{AddedYou{Contact: erin}, ContactChanged{Contact: erin}, AddedYou{Contact: bob}, ContactChanged{Contact: bob, Before: ListForward | ListBlock}}
	if erin.Lists != ListPending || erin.Name != "Erin" || erin.Network != 1 || bob.Lists != ListForward|ListBlock|ListReverse || !reflect.DeepEqual(events, want) {
		t.Errorf("events %+v", events)
	}
	if events := b.Apply(wire.New("RML", "0").WithPayload(added)); len(events) != 4 {
		t.Errorf("events %+v", events)
	}
	if _, err := b.ApplyMembers(wire.New("ADL", "0").WithPayload("<!")); err == nil {
		t.Error("a document type is no mistake")
	}
	if events := New(12, "me@example.com", "").Apply(wire.New("ADL", "0").WithPayload(added)); len(events) != 0 {
		t.Errorf("in MSNP12: %+v", events)
	}
}

func TestWhatIsKnownByNumber(t *testing.T) {
	t.Parallel()
	b, _ := feed(t, 11, "PRP PHM +1%20(555)%20111", "LST N=bob@example.com F=Bob C=g 3", "BPR PHM %2B1%20555-222", "BPR MOB Y", "LST N=eve@example.com F=Eve C=h 3")
	if b.OwnNumber(PropertyMobile) != "1555111" || b.OwnNumber(PropertyHome) != "" {
		t.Errorf("own number %q", b.OwnNumber(PropertyMobile))
	}
	found := b.WithMobile("1555222")
	if len(found) != 1 || found[0].Account != "bob@example.com" || !found[0].TakesPages() || len(b.WithMobile("")) != 0 {
		t.Errorf("found %+v", found)
	}
	if eve, _ := b.Find("eve@example.com"); eve.TakesPages() {
		t.Error("eve takes pages")
	}
}
