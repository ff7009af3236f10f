package media

import (
	"slices"

	"matrix-msn/msn/slp"
)

// What contacts are given when they ask for it.

// owned is an object of the user's that contacts can ask for.
type owned struct {
	object slp.Object
	data   []byte
}

// object gives a contact what they ask for: what the user has offered, by its hash.
func (m *Media) object(o slp.Object) (data []byte, ok bool) {
	for i := len(m.own) - 1; i >= 0; i-- {
		own := m.own[i]
		if own.object.Hash == o.Hash && own.object.Type == o.Type {
			return own.data, true
		}
	}
	if i := m.picture(); i >= 0 && o.Type == slp.ObjectPicture { // somebody asks for an earlier one
		return m.own[i].data, true
	}
	return nil, false
}

// Own has contacts given data when they ask for it, and returns the object that describes it. It may
// be called from any goroutine.
func (m *Media) Own(kind slp.ObjectType, data []byte) slp.Object {
	o := slp.NewObject(m.conn.Account(), kind, data)
	m.conn.Do(func() { m.keep(o, data) })
	return o
}

// NoPicture has contacts given no display picture any more. It may be called from any goroutine.
func (m *Media) NoPicture() {
	m.conn.Do(func() {
		m.own = slices.DeleteFunc(m.own, func(own owned) bool { return own.object.Type == slp.ObjectPicture })
	})
}

// keep notes an object of the user's, in the place of the same one.
func (m *Media) keep(o slp.Object, data []byte) {
	m.own = slices.DeleteFunc(m.own, func(own owned) bool { return own.object.Hash == o.Hash && own.object.Type == o.Type })
	if len(m.own) >= maxOwn {
		oldest := 0
		if m.picture() == 0 {
			oldest = 1
		}
		m.own = slices.Delete(m.own, oldest, oldest+1)
	}
	m.own = append(m.own, owned{o, data})
}

// picture returns which object is the display picture, -1 for none.
func (m *Media) picture() int {
	for i := len(m.own) - 1; i >= 0; i-- {
		if m.own[i].object.Type == slp.ObjectPicture {
			return i
		}
	}
	return -1
}
