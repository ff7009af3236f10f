package window

import "slices"

const (
	// maxKeys is how many of the latest requests are remembered, for those that come twice.
	maxKeys = 256
	// maxKey is the longest key of a request, in bytes.
	maxKey = 64
)

// keys are the IDs of messages by the keys of the requests that made them: a page whose request got no answer sends it
// again.
type keys struct {
	ids   map[string]uint64
	order []string
}

// id returns what a request has made, or makes it. A request without a key is always new.
func (k *keys) id(key string, do func() uint64) (id uint64, again bool) {
	if id, again = k.ids[key]; again {
		return id, true
	}
	id = do()
	if key == "" || id == 0 {
		return id, false
	}
	if k.ids == nil {
		k.ids = make(map[string]uint64)
	}
	k.ids[key], k.order = id, append(k.order, key)
	if len(k.order) > maxKeys {
		delete(k.ids, k.order[0])
		k.order = slices.Delete(k.order, 0, 1)
	}
	return id, false
}
