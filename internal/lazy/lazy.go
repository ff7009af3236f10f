// Package lazy has what takes little memory until it is used: accounts are many, and most of what they could have they never do.
package lazy

// Put puts a value into a map, which is made if it is nil. All else works with a map that is nil.
func Put[M ~map[K]V, K comparable, V any](m *M, key K, value V) {
	if *m == nil {
		*m = make(M)
	}
	(*m)[key] = value
}
