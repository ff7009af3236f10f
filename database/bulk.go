package database

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// bulkSizes are how many rows one statement takes. They are few, so that each is prepared once on each connection.
var bulkSizes = [...]int{64, 32, 16, 8, 4, 2, 1}

// bulk is a statement about several rows, for each of bulkSizes.
type bulk [len(bulkSizes)]string

// newBulk makes a statement from a template: at its %s go rows of so many parameters, of which the first of the first row is $first.
// The columns are called column1, column2 and so on; column1 is never NULL. Parameters of rows are texts
// unless the template says otherwise.
func newBulk(template string, first, columns int) (b bulk) {
	for i, size := range bulkSizes {
		rows := make([]string, size)
		for n := range rows {
			row := make([]string, columns)
			for c := range row {
				row[c] = fmt.Sprint("$", first+n*columns+c)
			}
			rows[n] = "(" + strings.Join(row, ", ") + ")"
		}
		values := "VALUES " + strings.Join(rows, ", ")
		if size > 1 { // what is not used of it is NULL
			values = "SELECT * FROM (" + values + ") listed WHERE column1 IS NOT NULL"
		}
		b[i] = strings.Replace(template, "%s", values, 1)
	}
	return b
}

// doBulk calls do with a statement and its arguments for all items, in order, as many at a time as the largest statement takes, and what
// is left by the smallest one that takes it. args returns those of an item; before them come those that are the same for all.
func doBulk[T any](b *bulk, items []T, same []any, args func(T) []any, do func(statement string, args []any) error) error {
	for len(items) > 0 {
		i := 0
		for i+1 < len(bulkSizes) && bulkSizes[i+1] >= len(items) {
			i++
		}
		taken := items[:min(len(items), bulkSizes[i])]
		all := same[:len(same):len(same)]
		for n, item := range taken {
			of := args(item)
			if n == 0 {
				all = slices.Grow(all, len(of)*bulkSizes[i])
			}
			all = append(all, of...)
		}
		all = append(all, make([]any, (len(all)-len(same))/len(taken)*(bulkSizes[i]-len(taken)))...)
		if err := do(b[i], all); err != nil {
			return err
		}
		items = items[len(taken):]
	}
	return nil
}

// isOne reports whether so many items are done with one statement.
func isOne(items int) bool { return items <= bulkSizes[0] }

// execBulk carries out a statement about items.
func execBulk[T any](ctx context.Context, db *dbutil.Database, b *bulk, items []T, same []any, args func(T) []any) error {
	return doBulk(b, items, same, args, func(statement string, args []any) error {
		_, err := db.Exec(ctx, statement, args...)
		return err
	})
}

// row names a row of a queue.
type row struct {
	login networkid.UserLoginID
	id    string
}

// queryBulk carries out a statement about items that returns login and ID of rows, and what else scan has places for.
func queryBulk[T, R any](ctx context.Context, db *dbutil.Database, b *bulk, items []T, same []any, args func(T) []any, scan func(*R) []any) (returned map[row]*R, err error) {
	returned = make(map[row]*R, len(items))
	err = doBulk(b, items, same, args, func(statement string, args []any) error {
		rows, err := db.Query(ctx, statement, args...)
		return dbutil.NewRowIterWithError(rows, func(rows dbutil.Scannable) (struct{}, error) {
			var at row
			of := new(R)
			err := rows.Scan(append([]any{&at.login, &at.id}, scan(of)...)...)
			returned[at] = of
			return struct{}{}, err
		}, err).Iter(func(struct{}) (bool, error) { return true, nil })
	})
	return returned, err
}

// scanPosition is for what returns the positions of rows.
func scanPosition(position *int64) []any { return []any{position} }

// inTxn calls do in a transaction if there are several statements, or in the one that there is.
func inTxn(ctx context.Context, db *dbutil.Database, several bool, do func(context.Context) error) error {
	if !several {
		return do(ctx)
	}
	return db.DoTxn(ctx, nil, do)
}
