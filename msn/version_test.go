package msn

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// officialCVR are the parameters of CVR behind the TrID, by dialect: six in MSNP2
// and MSNP3, seven to MSNP7, eight after that.
var officialCVR = map[wire.Dialect]string{
	2:  "0x0409 win 4.10 i386 MSMSGS 1.0.0863",
	3:  "0x0409 win 4.10 i386 MSMSGS 2.0.0085",
	4:  "0x0409 win 4.10 i386 MSMSGS 2.2.1053 MSMSGS",
	5:  "0x0409 winnt 5.0 i386 MSMSGS 3.0.0283 MSMSGS",
	6:  "0x0409 winnt 5.0 i386 MSMSGS 3.6.0038 MSMSGS",
	7:  "0x0409 winnt 5.1 i386 MSMSGS 4.7.0041 MSMSGS",
	8:  "0x0409 winnt 5.1 i386 MSMSGS 5.0.0544 MSMSGS alice@example.com",
	9:  "0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com",
	10: "0x0409 winnt 5.1 i386 MSNMSGR 6.1.0211 MSMSGS alice@example.com",
	11: "0x0409 winnt 5.1 i386 MSNMSGR 7.0.0816 MSMSGS alice@example.com",
	12: "0x0409 winnt 5.1 i386 MSNMSGR 7.5.0324 MSMSGS alice@example.com",
	13: "0x0409 winnt 5.1 i386 MSNMSGR 8.0.0812 msmsgs alice@example.com",
	14: "0x0409 winnt 5.1 i386 MSNMSGR 8.0.0812 msmsgs alice@example.com",
	15: "0x0409 winnt 5.1 i386 MSNMSGR 8.5.1302 msmsgs alice@example.com",
	16: "0x0409 winnt 5.1 i386 MSNMSGR 9.0.1407 msmsgs alice@example.com",
	17: "0x0409 winnt 5.1 i386 MSNMSGR 9.0.1407 msmsgs alice@example.com",
	18: "0x0409 winnt 5.1 i386 MSNMSGR 14.0.8117 msmsgs alice@example.com",
}

// playSignIn answers all commands of a sign-in until the Client is signed in, and
// returns the lines that it sent. It stops after "CHG", or the CVR behind it.
func playSignIn(t *testing.T, d wire.Dialect, change func(*Config)) (client *Client, ns *fakeConn, lines []string) {
	t.Helper()
	n := newFakeNet(t)
	cfg := fakeConfig(n, d)
	change(&cfg)
	result := goLogin(t, cfg)
	ns = n.accept(fakeServer)
	last := "CHG"
	if d < wire.FirstTweener && !cfg.SkipVersion {
		last = "CVR"
	}
	usr := 0
	for verb := ""; verb != last || len(lines) < 6; {
		cmd := ns.read()
		lines = append(lines, lineOf(cmd))
		verb = cmd.Verb
		trid := cmd.Arg(0)
		switch verb {
		case "VER":
			ns.send("VER " + trid + " " + d.String())
		case "INF":
			ns.send("INF " + trid + " MD5")
		case "CVR":
			ns.send("CVR " + trid + " 19.0.0001 19.0.0001 18.0.0001 http://download.example/a.exe http://info.example.")
		case "USR":
			switch usr++; {
			case usr == 2:
				ns.send("USR " + trid + " OK alice@example.com Alice 1 0")
			case d >= wire.FirstSSO:
				ns.send("USR " + trid + " SSO S MBI_KEY_OLD " + fakeNonce)
			default:
				ns.send("USR " + trid + " " + cmd.Arg(1) + " S 1013928519.693957190")
			}
		case "BLP", "ADL", "PRP", "UUX":
			ns.send(verb + " " + trid + " OK")
		case "SYN":
			ns.send(bobsList(d)...)
		case "CHG":
			ns.send("CHG " + trid + " NLN")
		}
	}
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quit(client, ns) })
	return client, ns, lines
}

func verbsOf(lines []string) string {
	var verbs []string
	for _, line := range lines {
		verbs = append(verbs, line[:3])
	}
	return strings.Join(verbs, " ")
}

// listVerbs are the commands between USR and CHG, from MSNP8 on.
func listVerbs(d wire.Dialect) string {
	switch {
	case d < wire.FirstSOAP:
		return "SYN"
	case d < wire.FirstEndpoints:
		return "BLP ADL PRP"
	}
	return "BLP ADL PRP UUX UUX"
}

func TestVersionIsAnnouncedWhereTheDialectWantsIt(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			log := &testLog{}
			client, ns, lines := playSignIn(t, d, func(c *Config) { c.Logger = log.logger() })
			order, at, cvr := "VER INF USR USR SYN CHG CVR", 6, "CVR 7 "+officialCVR[d]
			if d >= 8 {
				order, at, cvr = "VER CVR USR USR "+listVerbs(d)+" CHG", 1, "CVR 2 "+officialCVR[d]
			}
			if got := verbsOf(lines); got != order {
				t.Fatalf("the client sent %s, want %s", got, order)
			}
			if lines[at] != cvr {
				t.Errorf("the client sent %q, want %q", lines[at], cvr)
			}
			ns.barrier() // the answer is there
			want := Version{"19.0.0001", "18.0.0001", "http://download.example/a.exe", "http://info.example."}
			if got, ok := client.Version(); !ok || got != want {
				t.Errorf("Version returns %+v, %v", got, ok)
			}
			if n := strings.Count(log.text(), "wants a newer client"); n != 1 {
				t.Errorf("the log says %d times that the client is outdated", n)
			}
			if got := client.Identity(); got != OfficialIdentity(d) {
				t.Errorf("Identity is %+v", got)
			}

			again := goCall(func() (Version, error) { return client.AnnounceVersion(t.Context()) })
			trid := tridAfter(firstTrID(d), 1) // the barrier took one
			ns.expect("CVR " + trid + " " + officialCVR[d])
			ns.send("CVR " + trid + " 1.0.0000 1.0.0000 1.0.0000 http://download.example/b.exe")
			if v, err := waitCall(t, again); err != nil || !v.Unrecognised() || v.DownloadURL != "http://download.example/b.exe" {
				t.Errorf("announced again: %+v, %v", v, err)
			}
			if v, _ := client.Version(); !v.Unrecognised() {
				t.Errorf("the latest answer is not kept: %+v", v)
			}
		})
	}
}

func TestVersionIsLeftOutWhereItIsOptional(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, ns, lines := playSignIn(t, d, func(c *Config) { c.SkipVersion = true })
			ns.barrier() // nothing comes after it
			if said := strings.Contains(verbsOf(lines), "CVR"); said != (d >= 8) {
				t.Errorf("the client sent %s", verbsOf(lines))
			}
			if _, ok := client.Version(); ok != (d >= 8) {
				t.Errorf("there is an answer: %v", ok)
			}
		})
	}
}

func TestVersionAnswers(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		want         Version
		unrecognised bool
	}{
		{"five fields", "CVR # 4.6.0083 4.6.0083 1.0.0000 http://a/x.exe http://b", Version{"4.6.0083", "1.0.0000", "http://a/x.exe", "http://b"}, false},
		{"called CVQ", "CVQ # 4.6.0083 4.6.0083 1.0.0000 http://a/x.exe http://b", Version{"4.6.0083", "1.0.0000", "http://a/x.exe", "http://b"}, false},
		{"four fields", "CVR # 8.5.1302 8.5.1302 7.0.0425 http://a/x.exe", Version{"8.5.1302", "7.0.0425", "http://a/x.exe", ""}, false},
		{"three fields", "CVR # 8.5.1302 8.5.1302 7.0.0425", Version{"8.5.1302", "7.0.0425", "", ""}, false},
		{"one field", "CVR # 8.5.1302", Version{"8.5.1302", "", "", ""}, false},
		{"more fields", "CVR # 1 1 2 u i x y z", Version{"1", "2", "u", "i"}, false},
		{"not recognised", "CVR # 1.0.0000 1.0.0000 1.0.0000 http://a/x.exe http://messenger.microsoft.com.", Version{"1.0.0000", "1.0.0000", "http://a/x.exe", "http://messenger.microsoft.com."}, true},
		{"no UTF-8", "CVR # \xff \xff \xfe", Version{"\uFFFD", "\uFFFD", "", ""}, false},
	} {
		for _, d := range []wire.Dialect{2, 7, 12} {
			t.Run(test.name+" "+d.String(), func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), d)
				call := goCall(func() (Version, error) { return client.AnnounceVersion(t.Context()) })
				ns.read()
				ns.send(strings.Replace(test.answer, "#", firstTrID(d), 1))
				got, err := waitCall(t, call)
				if err != nil || got != test.want || got.Unrecognised() != test.unrecognised {
					t.Errorf("%+v, %v; unrecognised %v", got, err, got.Unrecognised())
				}
				if kept, ok := client.Version(); !ok || kept != test.want {
					t.Errorf("kept %+v", kept)
				}
			})
		}
	}
}

func TestVersionRefused(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		want         func(error) bool
	}{
		{"bad parameters", "710 #", func(err error) bool {
			var e *ServerError
			return errors.As(err, &e) && e.Number == 710 && e.Verb == "CVR"
		}},
		{"without a version", "CVR #", func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9)
			call := goCall(func() (Version, error) { return client.AnnounceVersion(t.Context()) })
			ns.read()
			ns.send(strings.Replace(test.answer, "#", firstTrID(9), 1))
			if _, err := waitCall(t, call); !test.want(err) {
				t.Errorf("error %v", err)
			}
			ns.barrier()
		})
	}
}

// Up to MSNP7 Login does not wait for the answer: a refusal explains the end that
// follows it.
func TestVersionRefusedAtSignIn(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 5)
	ns.send("710 7")
	ns.barrier()
	ns.close()
	var refused *ServerError
	if <-client.Done(); !errors.As(client.Err(), &refused) || refused.Number != 710 || refused.Verb != "CVR" {
		t.Errorf("ended with %v", client.Err())
	}
	if _, ok := client.Version(); ok {
		t.Error("a refusal is a version")
	}
}

func TestVersionsAreComparedAsNumbers(t *testing.T) {
	for _, test := range []struct {
		own, other string
		older      bool
	}{
		{"1.0.0863", "4.6.0083", true},
		{"4.6.0083", "4.6.0083", false},
		{"4.6.83", "4.6.0083", false},
		{"7.5.0324", "7.5.324.1", true},
		{"7.5.0324.0", "7.5.324", false},
		{"10.0", "9.9", false},
		{"9.9", "10.0", true},
		{"14.0.8117.0416", "8.5.1302", false},
		{strings.Repeat("9", 400), "1" + strings.Repeat("0", 400), true},
		{"", "1.0", false},
		{"1.0", "", false},
		{"beta", "1.0", false},
		{"1.0", "1.x", false},
		{"1..0", "2", false},
		{"-1", "2", false},
		{"1.0\x00", "2", false},
	} {
		v := Version{Recommended: test.other}
		if got := v.Newer(test.own); got != test.older {
			t.Errorf("%.20q is recommended to %.20q: newer %v", test.other, test.own, got)
		}
		v = Version{Minimum: test.other}
		if got := v.Outdated(test.own); got != test.older {
			t.Errorf("%.20q is demanded of %.20q: outdated %v", test.other, test.own, got)
		}
	}
}

func TestVersionThatDemandsNothing(t *testing.T) {
	v := Version{Recommended: "1.0.0000", Minimum: "1.0.0000"}
	if v.Newer("0.1.0") || v.Outdated("0.1.0") {
		t.Error("an unrecognised client is told that it is old")
	}
}

// The pseudo-dialect CVR0 alone means that the server wants another client.
func TestUpgradeIsDemanded(t *testing.T) {
	for _, test := range []struct {
		dialects []wire.Dialect
		want     string
	}{
		{[]wire.Dialect{3, 2}, "CVQ 2 0x0409 win 4.10 i386 MSMSGS 2.0.0085"},
		{[]wire.Dialect{7, 6}, "CVQ 2 0x0409 winnt 5.1 i386 MSMSGS 4.7.0041 "},
		{[]wire.Dialect{4, 12}, "CVQ 2 0x0409 winnt 5.1 i386 MSNMSGR 7.5.0324 MSMSGS alice@example.com"},
	} {
		for _, verb := range []string{"CVQ", "CVR"} {
			t.Run(test.want, func(t *testing.T) {
				t.Parallel()
				n := newFakeNet(t)
				result := goLogin(t, fakeConfig(n, test.dialects...))
				ns := n.accept(fakeServer)
				ns.read()
				ns.send("VER 1 CVR0")
				ns.expect(test.want)
				ns.send(verb + " 2 14.0.8117 14.0.8117 18.0.0001 http://a/x.exe http://b")
				_, err := waitLogin(t, result)
				var upgrade *UpgradeError
				if !errors.Is(err, ErrNoDialect) || !errors.As(err, &upgrade) {
					t.Fatalf("error %v", err)
				}
				if want := (Version{"14.0.8117", "18.0.0001", "http://a/x.exe", "http://b"}); upgrade.Version != want {
					t.Errorf("version %+v", upgrade.Version)
				}
			})
		}
	}
}

func TestUpgradeWithoutAnswerIsStillNoDialect(t *testing.T) {
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 8))
	ns := n.accept(fakeServer)
	ns.read()
	ns.send("VER 1 CVR0")
	ns.read()
	ns.close()
	if _, err := waitLogin(t, result); !errors.Is(err, ErrNoDialect) || !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
}

func TestIdentities(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		id := OfficialIdentity(d)
		if slices.Contains([]string{id.Locale, id.OS, id.OSVer, id.Arch, id.Client, id.Version, id.Brand}, "") || !isVersion(id.Version) {
			t.Errorf("%v: %+v", d, id)
		}
	}
	if OfficialIdentity(0) != OfficialIdentity(MinDialect) || OfficialIdentity(200) != OfficialIdentity(MaxDialect) {
		t.Error("beside the dialects that are spoken another identity is official")
	}
	honest := HonestIdentity()
	if honest.Client != "matrix-msn" || honest.OS != runtime.GOOS || honest.Arch != runtime.GOARCH || !isVersion(honest.Version) {
		t.Errorf("honest is %+v", honest)
	}
	client, ns := signedIn(t, newFakeNet(t), 11, func(c *Config) { c.Identity = Identity{Version: "6.6.6"} })
	want := OfficialIdentity(11)
	want.Version = "6.6.6"
	if got := client.Identity(); got != want {
		t.Errorf("with a version of its own: %+v", got)
	}
	ns.barrier()
}

func FuzzVersion(f *testing.F) {
	f.Add("4.6.0083 4.6.0083 1.0.0000 http://a/x.exe http://b", "3.6.0025")
	f.Add("1.0.0000", "")
	f.Add("..", ".")
	f.Fuzz(func(t *testing.T, line, own string) {
		v, ok := parseVersion(strings.Split(line, " "))
		if ok != (v.Recommended != "") {
			t.Errorf("%q is a version: %v", line, ok)
		}
		for _, field := range []string{v.Recommended, v.Minimum, v.DownloadURL, v.InfoURL} {
			if len(field) > clean.MaxField {
				t.Errorf("a field of %d bytes", len(field))
			}
		}
		if older(own, v.Recommended) && older(v.Recommended, own) {
			t.Errorf("%q and %q are both older", own, v.Recommended)
		}
		if older(own, own) {
			t.Errorf("%q is older than itself", own)
		}
		_ = v.Outdated(own)
		_ = v.Newer(own)
	})
}
