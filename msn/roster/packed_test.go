package roster

import (
	"reflect"
	"testing"
)

// A contact is what it was when it was kept, whatever is known of it. A field that is new is missed here.
func TestNothingOfAContactIsLost(t *testing.T) {
	t.Parallel()
	all := Contact{Account: "bob@example.com"}
	for i := range reflect.TypeFor[Contact]().NumField() {
		one := Contact{Account: "bob@example.com"}
		for _, c := range []*Contact{&one, &all} {
			switch field := reflect.ValueOf(c).Elem().Field(i); field.Interface().(type) {
			case string, Status:
				field.SetString("bob@example.com")
			case List, uint32:
				field.SetUint(7)
			case int:
				field.SetInt(1<<16 - 1)
			case []string:
				field.Set(reflect.ValueOf([]string{"one", "two"}))
			case map[string]string:
				field.Set(reflect.ValueOf(map[string]string{PropertyMobile: "1"}))
			default:
				t.Fatalf("field %d is of another type", i)
			}
		}
		kept := pack(&one)
		if got := kept.contact(one.Account); !reflect.DeepEqual(got, one) {
			t.Errorf("%s: got %+v, want %+v", reflect.TypeFor[Contact]().Field(i).Name, got, one)
		}
	}
	kept := pack(&all)
	if got := kept.contact(all.Account); !reflect.DeepEqual(got, all) {
		t.Errorf("got %+v, want %+v", got, all)
	}
}
