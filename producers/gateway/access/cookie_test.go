package access_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

// What a cookie is made of comes back as the credential, and is known to be from a cookie.
func TestCookie(t *testing.T) {
	g := open(t, access.Config{File: write(t, "access.yaml", twoKeys), OperatorKey: operatorKey})
	for key, name := range map[string]string{searchKey: "app", operatorKey: "operator"} {
		c, err := access.Cookie(key, false)
		if err != nil {
			t.Fatal(err)
		}
		p, err := g.Identify(http.Header{"Cookie": {"a=b; " + c.Name + "=" + c.Value}})
		if err != nil || p.Name != name || !p.ByCookie {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if p, err := g.Identify(bearer(searchKey)); err != nil || p.ByCookie {
		t.Errorf("by header: %+v, %v", p, err)
	}
	for key, want := range map[string]error{"": access.ErrMissing, "nothing": access.ErrRefused, strings.Repeat("k", 1<<20): access.ErrRefused} {
		if p, err := g.Check(key); !errors.Is(err, want) || p.May(access.Search) {
			t.Errorf("%.9q: %+v, %v", key, p, err)
		}
	}
	if _, err := access.Cookie(strings.Repeat("k", 4001), true); !errors.Is(err, access.ErrRefused) {
		t.Errorf("longer than browsers keep: %v", err)
	}
}
