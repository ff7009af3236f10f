package account

import (
	"fmt"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// roster is the contact list of a session.
type roster []msn.Contact

func (r roster) Contacts() []msn.Contact { return r }

func (r roster) Contact(account string) (msn.Contact, bool) {
	for _, contact := range r {
		if contact.Account == account {
			return contact, true
		}
	}
	return msn.Contact{}, false
}

func newTestAccount(t *testing.T, contacts ...msn.Contact) *Account {
	t.Helper()
	var cfg config.Config
	if err := yaml.Unmarshal([]byte("displayname_template: '{{or .Name .Account}} ({{.Service}})'"), &cfg); err != nil {
		t.Fatal(err)
	}
	db, _ := queuetest.OpenDatabase(t)
	br := &bridgev2.Bridge{DB: bridgedb.New("", MetaTypes(), db.MSNQueue.GetDB())}
	a := New(br, &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{
		ID: "home/alice@example.com", RemoteProfile: status.RemoteProfile{Name: "Alice"}, Metadata: new(Metadata),
	}}, db, &cfg, msnid.Identity{Service: "home", Account: "alice@example.com"})
	a.SetRoster(roster(contacts))
	return a
}

// A service that the config does not have any more is called by its key.
func TestServiceThatIsNotInTheConfig(t *testing.T) {
	t.Parallel()
	a := newTestAccount(t)
	if a.Service.Configured() || a.Service.Name != "home" {
		t.Errorf("the service is %+v", a.Service)
	}
}

func TestContactsAreNamedApart(t *testing.T) {
	t.Parallel()
	a := newTestAccount(t,
		msn.Contact{Account: "bob@example.com", Name: "Bob"},
		msn.Contact{Account: "carol@example.com", Name: "Someone"}, msn.Contact{Account: "dave@example.com", Name: "Some one"},
		msn.Contact{Account: "eve@example.com", Name: "alice"}, msn.Contact{Account: "mallory@example.com", Name: "bob@example.com"},
		msn.Contact{Account: "frank@example.com"},
	)
	book := a.Names(t.Context())
	for account, want := range map[string]string{
		"bob@example.com":      "Bob (home)",
		"carol@example.com":    "Someone (carol@example.com) (home)",
		"dave@example.com":     "Some one (dave@example.com) (home)",
		"eve@example.com":      "alice (eve@example.com) (home)",
		"mallory@example.com":  "bob@example.com (mallory@example.com) (home)",
		"frank@example.com":    "frank@example.com (home)",
		"stranger@example.com": "stranger@example.com (home)",
		"alice@example.com":    "Alice (home)",
	} {
		if got := a.MatrixName(t.Context(), account, book); got != want {
			t.Errorf("%s is called %q, want %q", account, got, want)
		}
	}
}

func TestWhatIsKnownOfAPerson(t *testing.T) {
	t.Parallel()
	a := newTestAccount(t, msn.Contact{Account: "bob@example.com", Name: "Bob", Status: msn.Busy, Lists: msn.ListForward},
		msn.Contact{Account: "carol@example.com", Status: msn.Offline})
	for account, want := range map[string]reason.Subject{
		"bob@example.com":   {Name: "Bob (bob@example.com)", Service: "home", ServiceKey: "home", Login: "home/alice@example.com", Online: true, Listed: true},
		"carol@example.com": {Name: "carol@example.com", Service: "home", ServiceKey: "home", Login: "home/alice@example.com"},
		"dave@example.com":  {Name: "dave@example.com", Service: "home", ServiceKey: "home", Login: "home/alice@example.com"},
	} {
		if got := a.Person(t.Context(), account); got != want {
			t.Errorf("of %s is known %+v, want %+v", account, got, want)
		}
	}
}

func TestIDsOfALogin(t *testing.T) {
	t.Parallel()
	a := newTestAccount(t)
	if got := a.PortalKey("bob@example.com"); got != a.KeyOf(got.ID) || got.Receiver != "home/alice@example.com" {
		t.Errorf("the room with bob has the key %+v", got)
	}
	if group, ok := msnid.ParseGroupPortalID(a.GroupKey("g").ID); !ok || group != "g" {
		t.Errorf("the group is %q", group)
	}
	if circle, ok := msnid.ParseCirclePortalID(a.CircleKey("c").ID); !ok || circle != "c" {
		t.Errorf("the circle is %q", circle)
	}
	if own := a.OwnSender(); !own.IsFromMe || own.Sender != a.UserID() || own.SenderLogin != a.Login.ID {
		t.Errorf("the user is the sender %+v", own)
	}
	if other := a.SenderOf("bob@example.com"); other.IsFromMe || other.Sender != a.GhostID("bob@example.com") {
		t.Errorf("bob is the sender %+v", other)
	}
}

// What somebody says of their name counts more than what lists have of it, also when it is that
// they have none; what was told last counts most, until the ghost has it.
func TestWhatSomebodySaysOfTheirNameCounts(t *testing.T) {
	t.Parallel()
	a := newTestAccount(t, msn.Contact{Account: "bob@example.com", Name: "Old Bob", Told: "Old Bob", Lists: msn.ListForward})
	const bob = "bob@example.com"
	check := func(when, want string) {
		t.Helper()
		if got := a.knownName(t.Context(), bob); got != want {
			t.Errorf("%s bob is called %q, want %q", when, got, want)
		}
	}
	check("by the list", "Old Bob")
	stored := &bridgedb.Ghost{ID: a.GhostID(bob), Metadata: &GhostMetadata{Nameless: true}}
	if err := a.Bridge.DB.Ghost.Insert(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	check("without a name", "")
	a.Tells(bob, " Bob\n")
	check("as he has told", "Bob")
	a.Tells(bob, bob)
	check("as he has taken it back", "")
	a.Tells(bob, "Robert")
	a.told.shown(bob, GhostMetadata{Told: "Bob", At: 1})
	check("when an older name was shown", "Robert")
	a.told.shown(bob, a.nameOf(bob, *stored.Metadata.(*GhostMetadata)))
	check("when the ghost is somebody else's again", "")
	// Another login has heard something, and shows it.
	a.Tells(bob, "Robert")
	shows := func(told string, at time.Time) {
		t.Helper()
		stored.Metadata = &GhostMetadata{Told: told, At: at.UnixNano()}
		if err := a.Bridge.DB.Ghost.Update(t.Context(), stored); err != nil {
			t.Fatal(err)
		}
	}
	shows("Bobby", time.Now().Add(-time.Minute))
	check("when another login heard something before", "Robert")
	shows("Bobby", time.Now())
	check("when another login heard something after", "Bobby")
	shows("Bobby", time.Now().Add(time.Hour))
	check("when the clock was set back", "Robert")
}

// Names that nobody shows take no more memory than so much.
func TestToldNamesAreBounded(t *testing.T) {
	t.Parallel()
	var told toldNames
	for i := range 2 * maxTold {
		told.put(fmt.Sprint(i), GhostMetadata{Told: "x"})
	}
	if _, ok := told.get(fmt.Sprint(2*maxTold - 1)); !ok || told.names.Len() != maxTold {
		t.Errorf("%d names are kept, the last among them: %t", told.names.Len(), ok)
	}
}

// Profiles say at which service somebody is, in the form that the framework keeps.
func TestProfilesNameTheService(t *testing.T) {
	t.Parallel()
	info := newTestAccount(t).UserInfo("bob@example.com")
	var kept bridgedb.ExtraProfile
	if !info.ExtraProfile.CopyTo(&kept) || string(kept["chat.matrix_msn.service"]) != `"home"` {
		t.Errorf("the profile has %s", kept)
	}
	if info.ExtraProfile.CopyTo(&kept) {
		t.Error("the same again counts as a change")
	}
}
