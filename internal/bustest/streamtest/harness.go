package streamtest

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EnvKafka names the variable that holds the addresses of a real Kafka for tests.
const EnvKafka = "PFR_TEST_KAFKA"

// Fake starts two in-process brokers for the test.
func Fake(t *testing.T) Harness {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Harness{Brokers: c.ListenAddrs(), Session: 1500 * time.Millisecond, Faults: fakeFaults{c}}
}

// Kafka returns the brokers that PFR_TEST_KAFKA names; it skips the test when there are none.
// test/kafka/kafka.sh starts them.
func Kafka(t *testing.T) Harness {
	t.Helper()
	addrs := os.Getenv(EnvKafka)
	if addrs == "" {
		t.Skipf("%s is not set: run this test under test/kafka/kafka.sh with", EnvKafka)
	}
	return Harness{Brokers: strings.Split(addrs, ","), Session: 1500 * time.Millisecond}
}

type fakeFaults struct{ c *kfake.Cluster }

func (f fakeFaults) Fail(x Fault) (remove func()) {
	times := x.Times
	if times == 0 {
		times = -1
	}
	var code *kerr.Error
	err := &kerr.Error{}
	if errors.As(kerr.ErrorForCode(x.Code), &err) {
		code = err
	}
	h := f.c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Key(x.APIKey)}, Topic: x.Topic, Group: x.Group, Err: code, Count: times,
	})
	return h.Remove
}

func (f fakeFaults) MoveLeader(topic string, partition int) error {
	info := f.c.PartitionInfo(topic, int32(partition))
	return f.c.MoveTopicPartition(topic, int32(partition), 1-info.Leader)
}
