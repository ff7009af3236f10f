package msntest_test

import (
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// rich starts a server where alice has a contact in each state, properties and a
// group.
func rich(t *testing.T) *msntest.Server {
	t.Helper()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1))
	a := srv.AddAccount(alice, "secret", msntest.Name("Alice"), msntest.Property("PHH", "555 0100"))
	srv.AddAccount(bob, "secret", msntest.Name("Bob"), msntest.Property("PHM", "+1"), msntest.Property("MOB", "Y"),
		msntest.ID("b0b00000-0000-4000-8000-000000000002"))
	srv.AddAccount(carol, "secret", msntest.Name("Carol ♥"))
	for _, who := range []string{"dave", "eve"} {
		srv.AddAccount(who+"@example.com", "secret", msntest.Name(who))
	}
	srv.Befriend(alice, bob)
	srv.SetList(alice, msntest.FL, carol, true)
	srv.SetList(alice, msntest.AL, carol, true)
	srv.SetList(alice, msntest.BL, "dave@example.com", true)
	srv.SetList("eve@example.com", msntest.FL, alice, true)
	a.AddGroupWithID("Best Friends", "f0000000-0000-4000-8000-000000000001")
	if !a.PutInGroup(bob, "f0000000-0000-4000-8000-000000000001") {
		t.Fatal("cannot put bob in a group")
	}
	return srv
}

func TestListsInTheShapeOfEachDialect(t *testing.T) {
	t.Parallel()
	const (
		carolName = "Carol%20%E2%99%A5"
		group     = "f0000000-0000-4000-8000-000000000001"
	)
	for name, test := range map[string]struct {
		first, last wire.Dialect
		want        []string
	}{
		"MSNP2": {2, 4, []string{"SYN 5 *", "GTC 5 * A", "BLP 5 * AL",
			"LST 5 FL * 1 2 bob@example.com Bob", "LST 5 FL * 2 2 carol@example.com " + carolName,
			"LST 5 AL * 1 2 bob@example.com Bob", "LST 5 AL * 2 2 carol@example.com " + carolName,
			"LST 5 BL * 1 1 dave@example.com dave",
			"LST 5 RL * 1 2 bob@example.com Bob", "LST 5 RL * 2 2 eve@example.com eve"}},
		"MSNP5": {5, 6, []string{"SYN 5 *", "GTC 5 * A", "BLP 5 * AL",
			"PRP 5 * PHH 555%200100", "PRP 5 * PHW ", "PRP 5 * PHM ", "PRP 5 * MOB ", "PRP 5 * MBE ",
			"LST 5 FL * 1 2 bob@example.com Bob",
			"BPR * bob@example.com PHH ", "BPR * bob@example.com PHW ", "BPR * bob@example.com PHM +1", "BPR * bob@example.com MOB Y",
			"LST 5 FL * 2 2 carol@example.com " + carolName,
			"BPR * carol@example.com PHH ", "BPR * carol@example.com PHW ", "BPR * carol@example.com PHM ", "BPR * carol@example.com MOB ",
			"LST 5 AL * 1 2 ...", "LST 5 AL * 2 2 ...", "LST 5 BL * 1 1 ...", "LST 5 RL * 1 2 ...", "LST 5 RL * 2 2 ..."}},
		"MSNP8": {8, 9, []string{"SYN 5 * 4 2", "GTC A", "BLP AL", "PRP PHH 555%200100",
			"LSG 0 Other%20Contacts 0", "LSG 1 Best%20Friends 0",
			"LST bob@example.com Bob 11 1", "BPR PHM +1", "BPR MOB Y",
			"LST carol@example.com " + carolName + " 3 0", "LST dave@example.com dave 4", "LST eve@example.com eve 8"}},
		"MSNP10": {10, 11, []string{"SYN 5 * * 4 1", "GTC A", "BLP AL", "PRP MFN Alice", "PRP PHH 555%200100",
			"LSG Best%20Friends " + group,
			"LST N=bob@example.com F=Bob C=b0b00000-0000-4000-8000-000000000002 11 " + group, "BPR PHM +1", "BPR MOB Y",
			"LST N=carol@example.com F=" + carolName + " * 3", "LST N=dave@example.com F=dave 4", "LST N=eve@example.com F=eve 16"}},
		"MSNP12": {12, 12, []string{"SYN 5 * * 4 1", "GTC A", "BLP AL", "PRP MFN Alice", "PRP PHH 555%200100",
			"LSG Best%20Friends " + group,
			"LST N=bob@example.com F=Bob * 11 1 " + group, "BPR PHM +1", "BPR MOB Y",
			"LST N=carol@example.com F=" + carolName + " * 3 1", "LST N=dave@example.com F=dave 4 1", "LST N=eve@example.com F=eve 16 1"}},
	} {
		for d := test.first; d <= test.last; d++ {
			t.Run(name+" as "+d.String(), func(t *testing.T) {
				t.Parallel()
				c := login(t, rich(t), d, alice, "secret")
				c.send("SYN 5 0 0")
				c.want(test.want...)
				c.barrier()
			})
		}
	}
}

func TestMSNP7ListsGroupsByNumber(t *testing.T) {
	t.Parallel()
	c := login(t, rich(t), 7, alice, "secret")
	c.send("SYN 5 0")
	lines := strings.Join(c.drain(), "\n")
	for _, want := range []string{" 1 2 0 Other%20Contacts 0", " 2 2 1 Best%20Friends 0", "bob@example.com Bob 1\n", "carol@example.com Carol%20%E2%99%A5 0\n"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
}

func TestCurrentListsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	for d, form := range map[wire.Dialect]string{7: "SYN 5 %s", 8: "SYN 5 %s", 12: "SYN 5 %[1]s %[1]s"} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := rich(t)
			c := login(t, srv, d, alice, "secret")
			c.send("SYN 5 0 0")
			version := c.read().Arg(1)
			c.drain()
			c.send("OUT")
			c = login(t, srv, d, alice, "secret")
			c.send(fmt.Sprintf(form, version))
			c.want(fmt.Sprintf(form, version))
			c.barrier()
		})
	}
}

func TestFiveThousandContacts(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1))
	srv.AddAccount(alice, "secret")
	for i := range 5000 {
		srv.AddAccount(fmt.Sprintf("contact%d@example.com", i), "secret")
		srv.Befriend(alice, fmt.Sprintf("contact%d@example.com", i))
	}
	for _, d := range []wire.Dialect{7, 9, 12} {
		c := login(t, srv, d, alice, "secret")
		c.send("SYN 5 0 0")
		n := 0
		for _, l := range c.drain() {
			if strings.HasPrefix(l, "LST ") && (d > 7 || strings.HasPrefix(l, "LST 5 RL ")) {
				n++
			}
		}
		if n != 5000 {
			t.Errorf("%v: %d contacts", d, n)
		}
	}
}

func TestAddingAndRemovingBelowMSNP10(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1))
	srv.AddAccount(alice, "secret", msntest.Name("Alice"))
	srv.AddAccount(bob, "secret", msntest.Name("Bob"))
	a, b := online(t, srv, 7, alice), online(t, srv, 9, bob)
	a.send("ADD 7 FL bob@example.com Bob")
	a.want("ADD 7 FL * bob@example.com Bob", "BPR * bob@example.com PHH ", "BPR * bob@example.com PHW ", "BPR * bob@example.com PHM ",
		"BPR * bob@example.com MOB N", "ILN 7 NLN bob@example.com Bob")
	b.want("ADD 0 RL * alice@example.com Alice")
	for _, x := range [][2]string{
		{"ADD 8 FL bob@example.com Bob", "215 8"},
		{"ADD 9 FL nobody@example.com x", "205 9"},
		{"ADD 10 FL nobody x", "201 10"},
		{"ADD 11 XL bob@example.com x", "201 11"},
		{"ADD 12 AL bob@example.com x", "ADD 12 AL * bob@example.com x"},
		{"ADD 13 BL bob@example.com x", "219 13"},
		{"ADG 14 Friends 0", "ADG 14 * Friends 1 0"},
		{"ADG 15 Friends 0", "228 15"},
		{"ADG 16 " + strings.Repeat("x", 62) + " 0", "229 16"},
		{"ADD 17 FL bob@example.com Bob 1", "ADD 17 FL * bob@example.com Bob 1"},
		{"ADD 18 FL bob@example.com Bob 1", "215 18"},
		{"ADD 19 FL bob@example.com Bob 9", "224 19"},
		{"REM 20 FL bob@example.com 9", "224 20"},
		{"REM 21 FL bob@example.com 1", "REM 21 FL * bob@example.com 1"},
		{"REM 22 FL bob@example.com 1", "225 22"},
		{"REG 23 1 Pals 0", "REG 23 * 1 Pals 0"},
		{"REG 24 9 Pals 0", "224 24"},
		{"RMG 25 0", "230 25"},
		{"RMG 26 1", "RMG 26 * 1"},
		{"REM 27 BL bob@example.com", "216 27"},
		{"REM 28 FL nobody@example.com", "205 28"},
		{"REA 29 bob@example.com Bobby", "REA 29 * bob@example.com Bobby"},
		{"REA 30 alice@example.com A", "REA 30 * alice@example.com A"},
		{"GTC 31 N", "GTC 31 * N"},
		{"GTC 32 N", "218 32"},
		{"REM 33 FL bob@example.com", "REM 33 FL * bob@example.com"},
	} {
		a.send(x[0])
		a.want(x[1])
	}
	b.want("REM 0 RL * alice@example.com")
	a.send("ADD 34 RL bob@example.com x")
	a.wantClosed()
}

func TestAddingAndAnsweringFromMSNP10(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1))
	srv.AddAccount(alice, "secret", msntest.Name("Alice"))
	srv.AddAccount(bob, "secret", msntest.Name("Bob"), msntest.ID("b0b00000-0000-4000-8000-000000000002"))
	a, b := online(t, srv, 10, alice), online(t, srv, 12, bob)
	a.send("ADC 7 FL N=bob@example.com F=Bob")
	a.want("ADC 7 FL N=bob@example.com F=Bob C=b0b00000-0000-4000-8000-000000000002", "BPR bob@example.com PHH ",
		"BPR bob@example.com PHW ", "BPR bob@example.com PHM ", "BPR bob@example.com MOB N", "ILN 7 NLN bob@example.com Bob 1073791084")
	b.want("ADC 0 RL N=alice@example.com F=Alice")
	if on := srv.Account(bob).Lists(alice); on != msntest.PL {
		t.Errorf("alice is on %d", on)
	}
	b.send("ADC 7 AL N=alice@example.com", "REM 8 PL alice@example.com", "ADC 9 RL N=alice@example.com")
	b.want("ADC 7 AL N=alice@example.com", "REM 8 PL alice@example.com", "ADC 9 RL N=alice@example.com")
	if on := srv.Account(bob).Lists(alice); on != msntest.AL|msntest.RL {
		t.Errorf("alice is on %d", on)
	}
	a.send("ADG 8 Friends")
	group := a.read().Arg(2)
	const id = "b0b00000-0000-4000-8000-000000000002"
	for _, x := range [][2]string{
		{"ADC 9 FL C=" + id + " " + group, "ADC 9 FL C=" + id + " " + group},
		{"ADC 10 FL C=" + id + " " + group, "215 10"},
		{"ADC 11 FL C=" + id + " nonsense", "224 11"},
		{"ADC 12 FL N=nobody@example.com F=x", "208 12"},
		{"ADC 13 FL N=nobody F=x", "201 13"},
		{"SBP 14 " + id + " MFN Bobby", "SBP 14 " + id + " MFN Bobby"},
		{"PRP 15 MFN Al", "PRP 15 MFN Al"},
		{"PRP 16 PHH 1%202", "PRP 16 PHH 1%202"},
		{"PRP 17 PHH ", "PRP 17 PHH "},
		{"PRP 18 ZZZ 1", "715 18"},
		{"REG 19 " + group + " Pals", "REG 19 1 Pals " + group + " 0"},
		{"REM 20 FL " + id + " " + group, "REM 20 FL " + id + " " + group},
		{"RMG 21 " + group, "RMG 21 1 " + group},
		{"REM 22 FL bob@example.com", "208 22"},
		{"REM 23 FL " + id, "REM 23 FL " + id},
		{"REM 24 AL bob@example.com", "216 24"},
	} {
		a.send(x[0])
		a.want(x[1])
	}
	if got := b.drain(); got[len(got)-1] != "REM 0 RL alice@example.com" {
		t.Errorf("bob was told %q", got)
	}
	a.send("ADC 25 PL N=bob@example.com")
	a.wantClosed()
}

func TestFullListIsRefused(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1), msntest.WithMaxContacts(1))
	for _, who := range []string{alice, bob, carol} {
		srv.AddAccount(who, "secret")
	}
	a := online(t, srv, 10, alice)
	a.send("ADC 7 FL N=bob@example.com", "ADC 8 FL N=carol@example.com")
	a.want("ADC 7 FL N=bob@example.com * *", "210 8")
}

func TestBlockingHidesAtOnce(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	a, b := online(t, srv, 9, alice), online(t, srv, 9, bob)
	a.want("NLN NLN bob@example.com ...")
	b.send("REM 7 AL alice@example.com", "ADD 8 BL alice@example.com Alice")
	b.want("REM 7 AL * alice@example.com", "ADD 8 BL * alice@example.com Alice")
	a.want("FLN bob@example.com")
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com")
	sa.want("217 2")
	b.send("REM 9 BL alice@example.com")
	b.want("REM 9 BL * alice@example.com")
	a.want("NLN NLN bob@example.com ...")
	// Whoever is on no list is hidden from when BLP says so.
	b.send("BLP 10 BL")
	b.want("BLP 10 * BL")
	a.want("FLN bob@example.com")
}
