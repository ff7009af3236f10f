package paging

import "testing"

func TestSentPagesAreBounded(t *testing.T) {
	var pages sentPages
	for i := range maxSentPages + 10 {
		pages.add(SentPage{TrID: uint32(i + 1)})
	}
	if len(pages) != maxSentPages {
		t.Errorf("%d pages are remembered", len(pages))
	}
	if page, _ := pages.fail(10); page != nil {
		t.Error("the oldest page is remembered")
	}
	if page, first := pages.fail(11); page == nil || !first {
		t.Error("a later page is not remembered")
	}
	if page, first := pages.fail(11); page == nil || first {
		t.Error("a page fails twice")
	}
}
