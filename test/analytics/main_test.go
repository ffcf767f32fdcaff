// Package analytics runs the SQL, the rules and the dashboards that are shipped under
// deploy: the SQL on real engines, over the topics that the product writes, compared with
// what one pass over the same records counts.
//
// A world is a set of records of both topics with everything in it that makes counting
// hard. A tally is what came of the searches of one window and one cut.
package analytics

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need skips the test unless the environment asks for it: it downloads an engine.
func need(t *testing.T, variable, what string) {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skipf("%s: set %s=1", what, variable)
	}
}

// brokers returns the addresses of Apache Kafka.
func brokers(t *testing.T) string {
	t.Helper()
	addresses := os.Getenv("PFR_TEST_KAFKA")
	if addresses == "" {
		t.Fatal("no brokers: run the tests by test/kafka/kafka.sh with go test ./test/analytics")
	}
	return addresses
}
