package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"maunium.net/go/mautrix"
)

// maxAnswer bounds what is read of an answer of the homeserver, in bytes.
const maxAnswer = 1 << 20

// oldestSynapse is the first Synapse that calls bridges at the path and with the header of today,
// 1.81. The framework knows no other ones: it would never hear from an older one.
var oldestSynapse = [2]int{1, 81}

// MinSpec is the lowest version of Matrix that the bridge works with. Dendrite says 1.2, and has all
// that is needed.
var MinSpec = mautrix.SpecV12

// Homeserver is what a homeserver says of itself to anybody.
type Homeserver struct {
	Name, Version string // of the program, "" when it does not say
	Spec          mautrix.RespVersions
	Clock         time.Duration // by how much its clock is ahead of this one
	clockKnown    bool
}

// String names the program.
func (h *Homeserver) String() string {
	if h.Name == "" {
		return "a homeserver that does not name its program, with Matrix " + h.Spec.GetLatest().String()
	}
	return strings.TrimSpace(h.Name + " " + h.Version)
}

// IsDendrite reports whether it is one. Dendrite passes on neither typing nor presence.
func (h *Homeserver) IsDendrite() bool { return strings.EqualFold(h.Name, "Dendrite") }

// sendsAgain is the first Synapse that sends what it has kept for a bridge as soon as the bridge answers its ping, 1.132.
var sendsAgain = [2]int{1, 132}

// SendsAgainWhenAnswered reports whether it may send what it has kept for a bridge as soon as that answers its ping. It does so
// only while it is not sending that anyway: then it says that the ping has failed.
func (h *Homeserver) SendsAgainWhenAnswered() bool {
	return strings.EqualFold(h.Name, "Synapse") && !h.before(sendsAgain)
}

// before reports whether it is of a version that is known and earlier than another one.
func (h *Homeserver) before(version [2]int) bool {
	major, minor, known := majorMinor(h.Version)
	return known && (major < version[0] || major == version[0] && minor < version[1])
}

// TooOld returns an error, a sentence for the admin, for a homeserver with which the bridge cannot work.
func (h *Homeserver) TooOld() error {
	if strings.EqualFold(h.Name, "Synapse") && h.before(oldestSynapse) {
		return fmt.Errorf("the homeserver is Synapse %s, which calls bridges at an address and with a token that were given up: it would answer the bridge and never be heard. "+
			"Update it to %d.%d or later", h.Version, oldestSynapse[0], oldestSynapse[1])
	}
	if !h.Spec.ContainsGreaterOrEqual(MinSpec) {
		return fmt.Errorf("the homeserver is %s and knows Matrix up to %s, but the bridge needs %s: update the homeserver", h, h.Spec.GetLatest(), MinSpec)
	}
	return nil
}

func majorMinor(version string) (major, minor int, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, 0, false
	}
	digits := strings.TrimRight(parts[1], "abcdefghijklmnopqrstuvwxyz")
	minor, err = strconv.Atoi(digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))])
	return major, minor, err == nil
}

// LookAt asks a homeserver what it is. The error is a sentence for the admin.
func LookAt(ctx context.Context, address string) (*Homeserver, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h := new(Homeserver)
	answer, err := get(ctx, address, "/_matrix/client/versions", &h.Spec)
	if err != nil {
		return nil, addressError(address, err)
	}
	if answer.StatusCode == http.StatusOK && len(h.Spec.Versions) == 0 {
		return nil, fmt.Errorf("what answers at homeserver.address (%s) is no Matrix homeserver: write the address at which the homeserver itself, or the proxy before it, answers /_matrix/client/versions", shown(address))
	} else if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("what answers at homeserver.address (%s) knows no /_matrix/client/versions (HTTP %d): write the address at which the homeserver itself, or the proxy before it, answers that", shown(address), answer.StatusCode)
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		h.Clock, h.clockKnown = time.Until(date), true
	}
	if name, version, ok := strings.Cut(answer.Header.Get("Server"), "/"); ok && strings.EqualFold(name, "Synapse") {
		h.Name, h.Version = name, firstWord(version)
		return h, nil
	}
	var federation struct {
		Server struct{ Name, Version string }
	}
	if answer, err := get(ctx, address, "/_matrix/federation/v1/version", &federation); err == nil && answer.StatusCode == http.StatusOK {
		h.Name, h.Version = federation.Server.Name, firstWord(federation.Server.Version)
	} else if answer, err := get(ctx, address, "/_dendrite/monitor/up", &federation); err == nil && answer.StatusCode == http.StatusOK {
		h.Name = "Dendrite" // which says nothing more when it is not federated
	}
	return h, nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

// get asks for a JSON document, as anybody. Of an answer that is none, nothing is put into result.
func get(ctx context.Context, address, path string, result any) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	_ = json.Unmarshal(body, result) // what is none is seen by what is missing
	return answer, nil
}

// addressError is what keeps the homeserver from being reached, in a sentence.
func addressError(address string, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address, in which somebody can have written a password
	}
	named := "homeserver.address (" + shown(address) + ")"
	dns, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case isDNS:
		return fmt.Errorf("the host in %s is not known (%s): check its name", named, dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: start the homeserver, or correct host and port", named)
	case isCertificate:
		return fmt.Errorf("the certificate at %s is not trusted (%w): put its issuer into the system's certificates, or name the homeserver's own address on this machine, such as http://localhost:8008", named, err)
	case isPlain || strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return fmt.Errorf("%s begins with https://, but plain HTTP is spoken there: write http://", named)
	case strings.Contains(err.Error(), "TLS handshake timeout"):
		return fmt.Errorf("%s begins with https://, and what listens there answers no TLS: write http:// if it speaks plain HTTP, or correct the port", named)
	case strings.Contains(err.Error(), "malformed HTTP"):
		return fmt.Errorf("%s begins with http://, but something else is spoken there: write https://, or correct the port", named)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("nothing answers at %s within %v: check host and port, and the firewall between", named, patience)
	}
	return fmt.Errorf("the homeserver is not reached at %s: %w", named, err)
}
