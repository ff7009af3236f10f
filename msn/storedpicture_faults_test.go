package msn

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// profileWith is the profile with a display picture, as the service gives it.
func profileWith(photo string) func(webCall) webAnswer {
	return func(webCall) webAnswer {
		return webAnswer{content: soapEnvelope("<GetProfileResponse><GetProfileResult><ExpressionProfile><ResourceID>a!118</ResourceID><Photo><ResourceID>" + photo +
			"</ResourceID></Photo></ExpressionProfile></GetProfileResult></GetProfileResponse>")}
	}
}

// A picture that the service does not take leaves the earlier one in its place.
func TestPictureThatIsNotTakenLeavesTheEarlierOne(t *testing.T) {
	t.Parallel()
	client, web, ns := webIn(t, 15, func(w *fakeWeb) {
		w.answer["GetProfile"] = profileWith("a!205")
		w.answer["CreateDocument"] = bookFault("InvalidMimeType")
	})
	defer quit(client, ns)
	web.forget()
	if err := client.StorePicture(t.Context(), []byte("picture")); err == nil || !strings.Contains(err.Error(), "InvalidMimeType") {
		t.Errorf("stored: %v", err)
	}
	want := []string{"GetProfile", "DeleteRelationships", "DeleteRelationships", "CreateDocument", "CreateRelationships"}
	if got := web.operations(); !slices.Equal(got, want) {
		t.Errorf("called %q", got)
	}
	if again := web.called("CreateRelationships"); len(again) != 1 || !strings.Contains(again[0].body, "<TargetID>a!205</TargetID>") {
		t.Errorf("related %+v", again)
	}
}

// Who waits for another picture to be stored can give up.
func TestGivingUpWhileAnotherPictureIsStored(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	client, _, ns := webIn(t, 15, func(w *fakeWeb) {
		w.answer["GetProfile"] = once(func(c webCall) webAnswer {
			close(begun)
			<-goOn
			return profileWith("")(c)
		})
	})
	defer quit(client, ns)
	first := make(chan error, 1)
	go func() { first <- client.StorePicture(t.Context(), nil) }()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- client.StorePicture(ctx, nil) }()
	cancel()
	select {
	case err := <-second:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the second: %v", err)
		}
	case <-time.After(patience):
		t.Error("the second waits for the first")
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

// trickle is the web services, whose picture comes a byte a second.
type trickle struct{ *fakeWeb }

func (w trickle) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/usertile/") {
		return w.fakeWeb.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(slowly{r.Context()})}, nil
}

type slowly struct{ context.Context }

func (s slowly) Read(b []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(b, "x"), nil
	case <-s.Done():
		return 0, s.Err()
	}
}

// A picture that comes without end is not waited for longer than for any other answer.
func TestStoredPictureThatNeverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _, ns := webIn(t, 15, nil, func(c *Config) { c.https = trickle{c.https.(*fakeWeb)} })
		began := time.Now()
		_, err := client.FetchStored(t.Context(), StoredPicture{Size: 5, URL: fakeWebHost + "/storage/usertile/1/static"})
		if took := time.Since(began); !errors.Is(err, ErrTimeout) || took > 2*time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		quit(client, ns)
	})
}
