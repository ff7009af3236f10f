package loginpage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn"
)

const publicAddress = "https://bridge.example.test"

// matrix is a Matrix side of which nothing is known but the bridge's public address.
type matrix struct {
	bridgev2.MatrixConnectorWithServer
	address string
}

func (m matrix) GetPublicAddress() string  { return m.address }
func (m matrix) GetRouter() *http.ServeMux { return http.NewServeMux() }

func TestPublicAddressWithoutEncryptionHasNoLoginPages(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		publicAddress: true, "http://localhost:29330": true, "http://127.0.0.1": true,
		"http://bridge.example.test": false, "http://localhost.example.test": false, "bridge.example.test": false, "ftp://localhost": false, "https://": false,
	} {
		var pages Pages
		pages.Open(matrix{address: address}, zerolog.Nop())
		if pages.Available() != want {
			t.Errorf("%q: available is %v", address, !want)
		}
	}
}

func TestServiceNamesInPagesAreEscaped(t *testing.T) {
	t.Parallel()
	var pages Pages
	answer := httptest.NewRecorder()
	pages.answer(answer, http.StatusOK, "form-action 'none'", "n", pageView{Title: "<script>x</script>", Text: `"><b>`,
		Button: &button{Action: "https://x.example/?a=\"><b>", Word: "go", Fields: []msn.FormField{{Name: `"><i>`, Value: `"><u>`}}}})
	for _, bad := range []string{"<script>x", "<b>", "<i>", "<u>"} {
		if strings.Contains(answer.Body.String(), bad) {
			t.Errorf("%s is in %s", bad, answer.Body)
		}
	}
}

func TestStoreOfLoginLinksIsBounded(t *testing.T) {
	t.Parallel()
	pages := Pages{address: publicAddress}
	for i := range maxPages + 10 {
		link := pages.Issue(id.UserID(fmt.Sprintf("@u%d:x", i)), Login{}, msn.ServiceURL{})
		if u, err := url.Parse(link); err != nil || u.Host != "bridge.example.test" {
			t.Fatalf("the link is %q", link)
		}
	}
	if n := len(pages.pages); n != maxPages {
		t.Errorf("%d links are kept", n)
	}
}
