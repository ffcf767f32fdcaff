package inproc

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// addresses are where the brokers listen, as host:port.
type addresses struct {
	Kafka string `json:"kafka"`
	NATS  string `json:"nats"`
}

// anyPort lets the system choose.
const anyPort = "127.0.0.1:0"

func addressesFile(dir string) string { return filepath.Join(dir, "addresses.json") }

// loadAddresses returns nothing for a file that is missing, unreadable or not ours: the
// ports are a convenience.
func loadAddresses(dir string) addresses {
	raw, err := os.ReadFile(addressesFile(dir))
	if err != nil {
		return addresses{}
	}
	var a addresses
	if json.Unmarshal(raw, &a) != nil || checkLoopback(a.Kafka) != nil || checkLoopback(a.NATS) != nil {
		return addresses{}
	}
	return a
}

func saveAddresses(dir string, a addresses) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("save addresses: %w", err)
	}
	tmp := addressesFile(dir) + ".tmp"
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("save addresses: %w", err)
	}
	if err := os.Rename(tmp, addressesFile(dir)); err != nil {
		return fmt.Errorf("save addresses: %w", err)
	}
	return nil
}

// listen opens the address that was asked for, or fails; without one it opens the last
// one, or any.
func listen(asked, last string) (net.Listener, error) {
	if asked != "" {
		return net.Listen("tcp", asked)
	}
	if last != "" {
		if l, err := net.Listen("tcp", last); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", anyPort)
}
