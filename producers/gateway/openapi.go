package gateway

import (
	_ "embed" // for the description of the interface
	"net/http"
)

//go:embed openapi.yaml
var openAPI []byte

func serveOpenAPI(w http.ResponseWriter, r *http.Request) *problem {
	w.Header().Set("Content-Type", "application/yaml")
	return writeTagged(w, r, "no-cache", openAPI)
}
