package fusion_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
)

func TestConfigReportsEveryProblem(t *testing.T) {
	if err := fusion.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	cfg := fusion.DefaultConfig()
	cfg.Reserve, cfg.Remember = -time.Second, 0
	cfg.Hedge.Share, cfg.Hedge.Quantile, cfg.Hedge.MinDelay = 1.5, 1, -1
	_, err := fusion.New(cfg, fusion.Ports{}, slog.New(slog.DiscardHandler), nil)
	for _, want := range []string{"reserve", "remember", "hedge.share", "hedge.quantile", "hedge.min_delay"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %s is missing", err, want)
		}
	}
}
