package names

import "matrix-msn/msn"

// Circle is what a circle is called.
func Circle(circle msn.Circle) string {
	if name := Clean(circle.Name); name != "" {
		return name
	}
	return "Circle " + circle.ID
}
