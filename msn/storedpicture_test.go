package msn_test

import (
	"bytes"
	"errors"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// What one place of the user stores, another one finds.
func TestPictureIsStored(t *testing.T) {
	t.Parallel()
	for _, d := range []wire.Dialect{14, 15, 18} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := newService(t)
			client := signIn(t, configWith(srv, alice, d))
			if d < 15 {
				if _, err := client.StoredPicture(t.Context()); !errors.Is(err, msn.ErrDialect) {
					t.Errorf("error %v", err)
				}
				if err := client.StorePicture(t.Context(), []byte("x")); !errors.Is(err, msn.ErrDialect) {
					t.Errorf("error %v", err)
				}
				return
			}
			stored := func(want []byte) {
				t.Helper()
				p, err := client.StoredPicture(t.Context())
				if err != nil || p.Size != int64(len(want)) {
					t.Fatalf("%+v, %v", p, err)
				}
				if want == nil {
					return
				}
				if got, err := client.FetchStored(t.Context(), p); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
			stored(nil)
			first, second := content(5000), content(7000)
			for i, data := range [][]byte{first, second, first, nil, nil, second} {
				if err := client.StorePicture(t.Context(), data); err != nil {
					t.Fatalf("picture %d: %v", i, err)
				}
				if got := srv.Account(alice).StoredPicture(); !bytes.Equal(got, data) {
					t.Errorf("%d bytes are kept of %d", len(got), len(data))
				}
				stored(data)
			}
			if err := client.StorePicture(t.Context(), make([]byte, msn.MaxStored+1)); !errors.Is(err, msn.ErrTooLong) {
				t.Errorf("too large: %v", err)
			}
			srv.Account(alice).StorePicture(make([]byte, msn.MaxStored+1))
			p, err := client.StoredPicture(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.FetchStored(t.Context(), p); !errors.Is(err, msn.ErrTooLong) {
				t.Errorf("too large: %v", err)
			}
		})
	}
}
