package media

import (
	"bytes"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/slp"
)

// Both sides call each other at the same moment, so that there are two sessions. Some Messengers speak in theirs alone,
// and answer there what they were asked in the other one.
func TestAnswersComeInAnotherSession(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"version 1": false, "version 2": true} {
		for what, first := range map[string]bool{"a picture first": true, "a file first": false} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { inAnotherSession(t, later, first) })
			})
		}
	}
}

func inAnotherSession(t *testing.T, later, pictureFirst bool) {
	alice, bob := pair(t, later)
	bob.conn.Post(func() { // bob's session, which is never used by alice
		near, far := &pipe{from: bob}, &pipe{from: alice}
		near.far, far.far = far, near
		bob.speaks = near
	})
	synctest.Wait()
	data := bytes.Repeat([]byte("0123456789"), 6000)
	o := bob.Own(slp.ObjectPicture, data)
	got, taken := new(bytes.Buffer), new(bytes.Buffer)
	go func() {
		for e := range bob.conn.Events() {
			if offered, ok := e.(FileOffered); ok {
				if err := offered.Offer.Accept(t.Context(), taken, nil); err != nil {
					t.Errorf("taking it: %v", err)
				}
			}
		}
	}()
	tries := []func(){
		func() {
			if err := alice.Fetch(t.Context(), bob.name, o, got, nil); err != nil || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("the picture: %d bytes, %v", got.Len(), err)
			}
		},
		func() {
			if err := alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: uint64(len(data))}, bytes.NewReader(data), nil); err != nil {
				t.Errorf("the file: %v", err)
			}
			synctest.Wait()
			if !bytes.Equal(taken.Bytes(), data) {
				t.Errorf("the file: %d bytes", taken.Len())
			}
		},
	}
	if !pictureFirst {
		tries[0], tries[1] = tries[1], tries[0]
	}
	for _, try := range tries {
		try()
	}
}
