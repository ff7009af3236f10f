package reason

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/msn"
)

var errSecret = errors.New("dial 10.0.0.7: SQL logic error")

// The framework shows the text of what it is given to the user, and looks for its own errors in it.
func TestAnswersHoldTheSentenceAndKeepTheCause(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("%w: %w: %w", bridgev2.ErrResolveIdentifierTryNext, ErrOtherService, errSecret)
	why := Of(cause, Lookup, home)
	got := why.Answer(http.StatusBadRequest, cause)
	if got.Error() != why.Sentence {
		t.Errorf("told %q, want %q", got, why.Sentence)
	}
	if !errors.Is(got, bridgev2.ErrResolveIdentifierTryNext) {
		t.Error("the framework does not find its own error")
	}
	told, ok := errors.AsType[interface {
		error
		Write(http.ResponseWriter)
	}](got)
	if !ok {
		t.Fatal("programs are not told")
	}
	var response recorded
	told.Write(&response)
	if response.status != http.StatusBadRequest || !strings.Contains(response.body, "COM.GITHUB.MATRIX_MSN.MSN_OTHER_SERVICE") ||
		strings.Contains(response.body, "10.0.0.7") {
		t.Errorf("programs are told %d %s", response.status, response.body)
	}
}

type recorded struct {
	status int
	body   string
}

func (*recorded) Header() http.Header           { return http.Header{} }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { r.body += string(b); return len(b), nil }

// Whatever an error holds, no room and no user sees it.
func TestNothingOfAnErrorItselfIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range examples() {
		err := fmt.Errorf("%w: %w", test.err, errSecret)
		for place := Connection; place <= Request; place <<= 1 {
			if r := Of(err, place, home); strings.Contains(r.Sentence, "10.0.0.7") {
				t.Errorf("%s: %q", test.name, r.Sentence)
			}
		}
		refused := Refused(err, home).(bridgev2.MessageStatus)
		content := refused.ToMSSEvent(&bridgev2.MessageStatusEventInfo{})
		if strings.Contains(content.InternalError+content.Message, "10.0.0.7") {
			t.Errorf("%s: the room gets %+v", test.name, content)
		}
		if !errors.Is(refused.InternalError, errSecret) {
			t.Errorf("%s: the cause is lost", test.name)
		}
	}
	if got := Refused(msn.ErrBlocked, home).(bridgev2.MessageStatus).InternalError.Error(); got != "msn-blocked" {
		t.Errorf("a program gets %q", got)
	}
}
