package archtest

const module = "github.com/parallel-fusion/pfr"

// layer is a row of the import table: what the packages of a folder may import of this
// module, beside their own subpackages and, in tests, the leaves. An entry stands for a
// folder and all below it; with = in front, for the folder alone.
type layer struct {
	folder string
	may    []string
	tests  []string // more, in tests
}

// leaves know nothing of the pipeline. Every layer above them may stand on them.
var leaves = []string{"schemas", "internal/codec", "internal/telemetry", "internal/cache", "internal/mailbox"}

// layers is the table: cmd → app → {roles, transports} → schemas and leaves. A role never
// imports a role or a transport; a transport never imports schemas.
var layers = []layer{
	{folder: ".", may: []string{"internal/app", "producers", "consumers", "tool-workers", "schemas"}},
	{folder: "cmd", may: []string{"internal/app", "evaluation", "post-training", "internal/config", "clients", "producers/loadgen", "producers/precompute", "consumers/popular", "schemas"}, tests: []string{"."}},
	{folder: "internal/app", may: []string{
		"producers", "router-worker", "tool-workers", "fusion-aggregator", "consumers", "evaluation", "post-training", "schemas",
		"internal/stream", "internal/rpc", "internal/inproc", "internal/codec", "internal/llm", "internal/llamacpp", "internal/mailbox", "internal/pseudonym", "internal/supervise", "internal/telemetry", "internal/versions",
	}},
	{folder: "test", may: []string{"."}, tests: []string{"internal/llm/llmtest", "internal/webtest", "clients", "tool-workers/catalog/generate"}},
	{folder: "clients", may: []string{"schemas"}},

	// roles
	{folder: "producers", may: leaves},
	{folder: "producers/gateway", may: append([]string{"=producers"}, leaves...), tests: []string{"internal/webtest"}},
	{folder: "producers/precompute", may: append([]string{"=producers"}, leaves...)},
	{folder: "producers/loadgen"},
	{folder: "router-worker", may: leaves},
	{folder: "router-worker/guard", may: append([]string{"=router-worker"}, leaves...)},
	{folder: "router-worker/llm", may: append([]string{"=router-worker", "=internal/llm"}, leaves...), tests: []string{"internal/llm/llmtest"}},
	{folder: "router-worker/rollout", may: append([]string{"=router-worker", "router-worker/guard"}, leaves...)},
	{folder: "router-worker/semantic", may: append([]string{"=router-worker"}, leaves...)},
	{folder: "router-worker/student", may: append([]string{"=router-worker", "evaluation/likeness", "evaluation/stats"}, leaves...), tests: []string{"tool-workers/catalog"}},
	{folder: "router-worker/student/nlu", may: []string{"evaluation/stats"}},
	{folder: "tool-workers", may: leaves},
	{folder: "tool-workers/catalog", may: []string{"schemas"}},
	{folder: "tool-workers/catalog/importer", may: []string{"=tool-workers/catalog", "tool-workers/taxonomy", "internal/codec"}, tests: []string{"tool-workers/catalog/generate"}},
	{folder: "tool-workers/catalog/generate", may: []string{"=tool-workers/catalog", "tool-workers/taxonomy"}},
	{folder: "tool-workers/recommend", tests: []string{"evaluation/recs"}},
	{folder: "tool-workers/listening", may: []string{"schemas", "tool-workers/catalog", "tool-workers/recommend", "tool-workers/taste"}, tests: []string{"tool-workers/catalog/generate", "tool-workers/tooltest"}},
	{folder: "fusion-aggregator", may: append([]string{"evaluation/interleave"}, leaves...)},
	{folder: "fusion-aggregator/refine", may: append([]string{"=fusion-aggregator", "=internal/llm"}, leaves...), tests: []string{"internal/llm/llmtest"}},
	{folder: "consumers", may: leaves},
	{folder: "consumers/metrics", may: append([]string{"=consumers", "consumers/outcome"}, leaves...)},
	{folder: "consumers/outcome", may: append([]string{"=consumers"}, leaves...)},
	{folder: "consumers/experiments", may: append([]string{"=consumers", "consumers/outcome", "evaluation/experiment", "evaluation/interleave", "evaluation/stats"}, leaves...)},
	{folder: "consumers/export", may: append([]string{"=consumers", "internal/filelock"}, leaves...)},
	{folder: "consumers/popular", may: append([]string{"=consumers"}, leaves...)},
	{folder: "consumers/serpstore", may: append([]string{"=consumers"}, leaves...)},
	{folder: "consumers/deadletters", may: append([]string{"=consumers"}, leaves...)},

	// each tool stands on the port, the catalogue and what tools share; siblings never
	// import each other
	{folder: "tool-workers/taxonomy", may: []string{"tool-workers/catalog"}},
	{folder: "tool-workers/taste", may: []string{"schemas", "tool-workers/catalog", "tool-workers/taxonomy", "tool-workers/recommend"}, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/tooltest", may: tool, tests: []string{
		"tool-workers/search", "tool-workers/similarartists", "tool-workers/recs", "tool-workers/newreleases", "tool-workers/releaseinfo", "tool-workers/podcasts", "tool-workers/dj",
	}},
	{folder: "tool-workers/tooltest/invented", may: append([]string{"tool-workers/tooltest", "tool-workers/catalog/generate", "tool-workers/listening", "tool-workers/recommend"}, tool...)},
	{folder: "tool-workers/search", may: tool, tests: []string{"tool-workers/tooltest", "tool-workers/catalog/generate"}},
	{folder: "tool-workers/similarartists", may: tool, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/recs", may: tool, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/newreleases", may: tool, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/releaseinfo", may: tool, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/podcasts", may: tool, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/dj", may: append([]string{"=internal/llm"}, tool...), tests: []string{"tool-workers/tooltest", "internal/llm/llmtest"}},

	// tools that are configured stand on what they share, and know no catalogue
	{folder: "tool-workers/adapter", may: append([]string{"=tool-workers"}, leaves...)},
	{folder: "tool-workers/httpjson", may: configured, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/opensearch", may: configured, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/mcp/remote", may: configured, tests: []string{"tool-workers/tooltest"}},
	{folder: "tool-workers/mcp/serve", may: []string{"schemas", "=tool-workers", "internal/telemetry"}},
	{folder: "examples", tests: []string{"internal/app", "internal/inproc", "internal/rpc"}},

	{folder: "post-training", may: []string{"schemas", "schemas/routes", "evaluation/frames", "evaluation/testset", "evaluation/stats", "internal/filelock", "internal/journal", "internal/telemetry"}, tests: []string{"router-worker/llm"}},

	// evaluation stands on messages alone: it measures whatever decides
	{folder: "evaluation/stats"},
	{folder: "evaluation/experiment", may: []string{"evaluation/stats"}},
	{folder: "evaluation/interleave", may: []string{"evaluation/stats"}},
	{folder: "evaluation/frames"},
	{folder: "evaluation/dates"},
	{folder: "evaluation/recs"},
	{folder: "evaluation/fusion", tests: []string{"evaluation/stats", "evaluation/trec", "=fusion-aggregator", "schemas", "schemas/routes", "tool-workers"}},
	{folder: "evaluation/likeness"},
	{folder: "evaluation/testset", may: []string{"evaluation/dates", "evaluation/frames", "evaluation/likeness"}},
	{folder: "evaluation/judge", may: []string{"schemas", "evaluation/testset", "internal/filelock", "internal/journal", "internal/telemetry"}},
	{folder: "evaluation/judge/llmjudge", may: []string{"=evaluation/judge", "evaluation/dates", "evaluation/testset", "internal/llm"}, tests: []string{"internal/llm/llmtest"}},
	{folder: "evaluation/rules", may: []string{"evaluation/dates", "evaluation/judge", "evaluation/testset"}},
	{folder: "evaluation/agreement", may: []string{"evaluation/stats", "internal/journal"}},
	{folder: "evaluation/agreement/labelling", may: []string{"=evaluation/agreement", "evaluation/judge", "evaluation/testset", "internal/journal"}},
	{folder: "evaluation/trec", may: []string{"evaluation/dates", "evaluation/stats"}},
	{folder: "evaluation/serps", may: []string{"schemas", "evaluation/judge", "evaluation/testset", "evaluation/stats"}, tests: []string{"evaluation/rules"}},
	{folder: "evaluation/routing", may: []string{"schemas", "evaluation/stats", "evaluation/frames"}},

	// transports
	{folder: "internal/stream", may: []string{"internal/telemetry"}, tests: []string{"internal/bustest"}},
	{folder: "internal/rpc", may: []string{"internal/telemetry"}, tests: []string{"internal/bustest", "internal/inproc"}},
	{folder: "internal/inproc", may: []string{"internal/filelock"}, tests: []string{"internal/stream", "internal/rpc"}},
	{folder: "internal/bustest", may: []string{"internal/stream", "internal/rpc", "internal/inproc", "internal/telemetry"}},

	// leaves
	{folder: "schemas"},
	{folder: "schemas/routes", may: []string{"schemas"}},
	{folder: "internal/codec", tests: []string{"schemas"}},
	{folder: "internal/cache", may: []string{"internal/telemetry"}},
	{folder: "internal/config"},
	{folder: "internal/filelock"},
	{folder: "internal/journal"},
	{folder: "internal/llm", may: []string{"internal/telemetry"}},
	{folder: "internal/llamacpp", may: []string{"=internal/llm", "internal/telemetry"}},
	{folder: "internal/mailbox"},
	{folder: "internal/pseudonym"},
	{folder: "internal/supervise"},
	{folder: "internal/versions"},
	{folder: "internal/webtest"},
	{folder: "internal/telemetry"},
	{folder: "internal/archtest"},
}

var configured = []string{"schemas", "=tool-workers", "tool-workers/adapter", "internal/telemetry"}

var tool = []string{"schemas", "=tool-workers", "tool-workers/catalog", "tool-workers/taste", "tool-workers/taxonomy", "internal/telemetry"}

// owners names the door of each library: the folders that may import it.
var owners = map[string][]string{
	"github.com/segmentio/kafka-go":           {"internal/stream"},
	"github.com/nats-io/nats.go":              {"internal/rpc"},
	"github.com/nats-io/nats-server":          {"internal/inproc"},
	"github.com/twmb/franz-go":                {"internal/inproc", "internal/bustest"},
	"github.com/bytedance/sonic":              {"internal/codec"},
	"github.com/allegro/bigcache":             {"internal/cache"},
	"go.opentelemetry.io":                     {"internal/telemetry"},
	"go.etcd.io/bbolt":                        {"consumers/serpstore"},
	"github.com/blevesearch":                  {"tool-workers/search"},
	"github.com/modelcontextprotocol/go-sdk":  {"tool-workers/mcp"},
	"github.com/tidwall/gjson":                {"tool-workers/adapter"},
	"github.com/RoaringBitmap":                {"tool-workers/search"},
	"github.com/alecthomas/kong":              {"cmd"},
	"github.com/schollz/progressbar":          {"cmd"},
	"github.com/mattn/go-runewidth":           {"cmd"},
	"github.com/mmcdole/gofeed":               {"tool-workers/catalog/importer"},
	"github.com/klauspost/compress":           {"tool-workers/catalog/importer", "producers/gateway"},
	"github.com/ulikunitz/xz":                 {"tool-workers/catalog/importer"},
	"gonum.org/v1/gonum":                      {"tool-workers/recommend", "evaluation/experiment", "evaluation/interleave"},
	"github.com/parquet-go/parquet-go":        {"tool-workers/recommend", "consumers/export"},
	"github.com/goccy/go-yaml":                {"schemas/routes", "internal/config", "router-worker/rollout", "producers/gateway/access"},
	"github.com/failsafe-go/failsafe-go":      {"router-worker/guard", "internal/llm"},
	"github.com/openai/openai-go":             {"internal/llm"},
	"github.com/hybridgroup/yzma":             {"internal/llamacpp"},
	"github.com/jupiterrider/ffi":             {"internal/llamacpp"},
	"github.com/HdrHistogram/hdrhistogram-go": {"producers/loadgen", "producers/gateway/traffic"},
	"github.com/google/uuid":                  {"producers", "clients", "internal/bustest", "test"},
	"github.com/golang-jwt/jwt":               {"producers/gateway/access"},
	"github.com/rs/cors":                      {"producers/gateway"},
	"github.com/hashicorp/golang-lru":         {"."}, // small sets of recent ids, wherever they are kept
	"github.com/prometheus/client_golang":     {"."}, // metrics live beside the code they measure
	"golang.org/x":                            {"."}, // the Go project's own
	"go.uber.org/goleak":                      {"."}, // tests only by nature
	"pgregory.net/rapid":                      {"."},
	"github.com/chromedp":                     {"internal/webtest"},
	"github.com/santhosh-tekuri/jsonschema":   {"test", "tool-workers/tooltest"},
}

// testDoors are more doors, for tests.
var testDoors = map[string][]string{
	"github.com/modelcontextprotocol/go-sdk": {"internal/app", "cmd"},
	"github.com/segmentio/kafka-go":          {"internal/inproc", "internal/bustest"},
	"github.com/nats-io/nats.go":             {"internal/inproc", "internal/bustest"},
	"github.com/twmb/franz-go":               {"internal/stream"},
	"go.opentelemetry.io":                    {"internal/rpc", "internal/stream", "internal/bustest", "test"},
	"github.com/chromedp":                    {"producers/gateway", "test"},
	"github.com/santhosh-tekuri/jsonschema":  {"examples", "schemas", "producers/gateway", "tool-workers", "post-training"},
	"github.com/goccy/go-yaml":               {"schemas", "producers/gateway"},
	"github.com/golang-jwt/jwt":              {"producers/gateway"},
	"github.com/parquet-go/parquet-go":       {"test"},
}
