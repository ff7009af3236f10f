package msn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func goSearch(t *testing.T, client *Client, q Query) <-chan answered[[]Person] {
	return goCall(func() ([]Person, error) { return client.Search(t.Context(), q) })
}

func TestSearchIsSwitchedOff(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, trid string) {
		call := goSearch(t, client, Query{FirstName: "Anna Lena", LastName: "100%", Country: "US"})
		ns.expect("FND " + trid + " fname=Anna%20Lena lname=100%25 city=* state=* country=US")
		ns.send("502 " + trid)
		people, err := waitCall(t, call)
		var refused *ServerError
		if people != nil || !errors.Is(err, ErrSearchDisabled) || !errors.As(err, &refused) || refused.Number != 502 {
			t.Errorf("%v, %v", people, err)
		}
		status := goCall(func() (struct{}, error) { return struct{}{}, client.SetStatus(t.Context(), Away) })
		trid = tridAfter(trid, 1)
		ns.read()
		ns.send("CHG " + trid + " AWY")
		if _, err := waitCall(t, status); err != nil {
			t.Errorf("the connection is of no use after it: %v", err)
		}
	})
}

func TestSearchIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 5)
		start := time.Now()
		call := goSearch(t, client, Query{FirstName: "A", LastName: "B"})
		ns.read()
		_, err := waitCall(t, call)
		if !errors.Is(err, ErrSearchDisabled) || !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != defaultSilence {
			t.Errorf("it took %v", took)
		}
		ns.barrier()
	})
}

func TestSearchResults(t *testing.T) {
	flood := make([]string, 0, maxPeople+10)
	for i := range maxPeople + 10 {
		flood = append(flood, fmt.Sprintf("FND # %d 1000000 fname=A lname=%d", i+1, i))
	}
	anna := Person{"Anna Lena", "Ü", "New York", "", "US"}
	for _, test := range []struct {
		name    string
		answers []string
		want    []Person
		count   int
		number  int
	}{
		{name: "nobody", answers: []string{"FND # 0 0"}},
		{name: "one", answers: []string{"FND # 1 1 fname=Anna%20Lena lname=Ü city=New%20York state= country=US"}, want: []Person{anna}},
		{name: "several", answers: []string{"FND # 1 3 fname=A", "FND # 2 3 FNAME=B more=x", "FND # 3 3 fname=C lname=D=E"},
			want: []Person{{FirstName: "A"}, {FirstName: "B"}, {FirstName: "C", LastName: "D=E"}}},
		{name: "counted from 0", answers: []string{"FND # 0 2 fname=A", "FND # 1 2 fname=B"}, want: []Person{{FirstName: "A"}, {FirstName: "B"}}},
		{name: "no sense", answers: []string{"FND # x"}},
		{name: "no number", answers: []string{"FND # 1 many fname=A"}},
		{name: "nothing", answers: []string{"FND #"}},
		{name: "more than anybody reads", answers: flood, count: maxPeople},
		{name: "bad parameters", answers: []string{"201 #"}, number: 201},
		{name: "too many hits", answers: []string{"301 #"}, number: 301},
		{name: "an error in the middle", answers: []string{"FND # 1 3 fname=A", "603 #"}, number: 603},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 4)
			call := goSearch(t, client, Query{FirstName: "A", LastName: "B"})
			ns.read()
			for _, answer := range test.answers {
				ns.send(strings.Replace(answer, "#", firstTrID(4), 1))
			}
			people, err := waitCall(t, call)
			var refused *ServerError
			switch {
			case test.number != 0:
				if !errors.As(err, &refused) || refused.Number != test.number || people != nil {
					t.Errorf("%v, %v", people, err)
				}
			case err != nil:
				t.Error(err)
			case test.count != 0:
				if len(people) != test.count {
					t.Errorf("%d people", len(people))
				}
			case !slices.Equal(people, test.want):
				t.Errorf("people %+v", people)
			}
			ns.barrier()
		})
	}
}

func TestSearchWithFewerLinesThanAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 3)
		call := goSearch(t, client, Query{FirstName: "A", LastName: "B"})
		ns.read()
		ns.send("FND 8 1 2 fname=A")
		if people, err := waitCall(t, call); err != nil || len(people) != 1 {
			t.Errorf("%v, %v", people, err)
		}
	})
}

func TestSearchThatCannotBeSent(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9)
	for _, q := range []Query{
		{}, {FirstName: "A"}, {LastName: "B"}, {FirstName: "*", LastName: "B"}, {FirstName: "A", LastName: "*"},
		{FirstName: "A", LastName: "B", City: strings.Repeat("x", maxQueryField+1)},
	} {
		if _, err := client.Search(t.Context(), q); !errors.Is(err, ErrArgument) {
			t.Errorf("%.60v: %v", q, err)
		}
	}
	ns.barrier() // nothing was sent
}

func FuzzFound(f *testing.F) {
	f.Add("1 3 fname=Anna%20Lena lname=B city=C state= country=US")
	f.Add("0 0")
	f.Add("-1 99999999999 fname")
	f.Fuzz(func(t *testing.T, line string) {
		person, total := parseFound(strings.Split(line, " "))
		for _, field := range []string{person.FirstName, person.LastName, person.City, person.State, person.Country} {
			if len(field) > maxQueryField {
				t.Errorf("a field of %d bytes", len(field))
			}
		}
		if total == 0 && person != (Person{}) {
			t.Errorf("nobody is %+v", person)
		}
	})
}
