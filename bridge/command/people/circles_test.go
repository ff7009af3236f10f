package people

import (
	"testing"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// A number is that of the list that the user has seen, not of what there is now.
func TestCircleIsPickedByItsNumberOrName(t *testing.T) {
	t.Parallel()
	const circle = "1"
	var shown call.Shown
	if _, why := pick(&shown, nil, "1", true); why != words.Text(noList) {
		t.Errorf("without a list: %s", why)
	}
	shown.Set([]string{circle})
	list := []msn.Circle{{ID: "0", Name: "Cooks", Member: true}, {ID: circle, Name: "Walkers", Member: true},
		{ID: "2", Name: "cooks", Member: true}, {ID: "3", Name: "Cooks"}}
	for which, want := range map[string]string{"1": circle, "Walkers": circle, "2": "", "0": "", "-1": "", "Bakers": ""} {
		picked, why := pick(&shown, list, which, true)
		if picked.ID != want || (why == "") != (want != "") {
			t.Errorf("%s is %q: %s", which, picked.ID, why)
		}
	}
	if _, why := pick(&shown, list, "COOKS", true); why != words.Text(severalOfName) {
		t.Errorf("of two of one name: %s", why)
	}
	if picked, why := pick(&shown, list, "cooks", false); picked.ID != "3" || why != "" {
		t.Errorf("the invitation is %q: %s", picked.ID, why)
	}
	// Gone since: its number is nobody else's.
	if picked, why := pick(&shown, list[:1], "1", true); why != noCircle("1", true) {
		t.Errorf("1 is %q: %s", picked.ID, why)
	}
}
