package room

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"maunium.net/go/mautrix"
)

func TestWhatTheHomeserverRefusesIsToldFromItsTrouble(t *testing.T) {
	t.Parallel()
	answer := func(status int, matrix *mautrix.RespError) error {
		return fmt.Errorf("failed: %w", mautrix.HTTPError{Response: &http.Response{StatusCode: status}, RespError: matrix})
	}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":               {nil, false},
		"no connection":         {mautrix.HTTPError{WrappedError: errors.New("refused")}, false},
		"too slow":              {context.DeadlineExceeded, false},
		"forbidden":             {answer(403, &mautrix.MForbidden), true},
		"too large":             {answer(413, &mautrix.MTooLarge), true},
		"too often":             {answer(429, &mautrix.MLimitExceeded), false},
		"the bridge is unknown": {answer(401, &mautrix.MUnknownToken), false},
		"out of order":          {answer(500, &mautrix.MUnknown), false},
		"only a proxy answers":  {answer(404, nil), false},
		"another error":         {errors.New("of the bridge"), false},
	} {
		if got := IsRefusal(test.err); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
