package intake

import "context"

// Drain hands on what is pending.
func (i *Intake) Drain(ctx context.Context) {
	for next, ok := i.next(); ok; next, ok = i.next() {
		i.handOn(ctx, ctx, next)
	}
}
