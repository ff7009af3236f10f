package offline

import (
	"errors"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/soap"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// That no connection is made is known by what net/http says of it.
func TestOfflineMessageToAServiceThatIsNotThereIsNotUncertain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := listener.Addr().String()
	_ = listener.Close()
	caller := soap.Caller{Client: &http.Client{Transport: &http.Transport{}}, Allow: func(*url.URL) error { return nil }}
	post := soap.Post{Caller: caller, URL: "https://" + gone, Ticket: func() string { return "" }}
	if err := offlineError(post.Send(t.Context(), soap.OfflineMessage{Text: "Hello"})); !errors.Is(err, errs.ErrBusy) || errors.Is(err, errs.ErrUncertain) {
		t.Errorf("error %v", err)
	}
}
