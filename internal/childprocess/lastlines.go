package childprocess

import "strings"

// tailLines bounds what of the words of a program is quoted in an error.
const tailLines = 15

// LastLines returns the last lines of what a program has said, each indented by two spaces.
func LastLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return "  " + strings.Join(lines, "\n  ")
}
