package lazy

// Append appends to a list that lasts and of which there are many: it leaves room for a fifth more, where append
// would leave room for as many again.
func Append[S ~[]E, E any](list S, e E) S {
	if len(list) == cap(list) {
		list = append(make(S, 0, len(list)+len(list)/5+1), list...)
	}
	return append(list, e)
}
