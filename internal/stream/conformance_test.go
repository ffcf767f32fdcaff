package stream_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/internal/bustest/streamtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnFakeBrokers(t *testing.T) { streamtest.Run(t, streamtest.Fake) }

func TestOnKafka(t *testing.T) {
	streamtest.Kafka(t) // skips here, once, and not in every test
	streamtest.Run(t, streamtest.Kafka)
}
