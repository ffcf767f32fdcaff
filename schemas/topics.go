package schemas

// Topics on Kafka. All are keyed by correlation id, except precomputed routes (by route
// key), online metrics (by window and cut), experiments (by name), control (by what is set) and
// erasures (by request).
// Queries, route decisions, SERPs and interactions have equal partition counts and the Java partitioner (murmur2), so that
// joins by correlation id are local to a partition.
const (
	TopicQueries           = "pfr.queries.v1"
	TopicRouteDecisions    = "pfr.route-decisions.v1"
	TopicSERPs             = "pfr.serps.v1"
	TopicInteractions      = "pfr.interactions.v1"
	TopicPrecomputedRoutes = "pfr.precomputed-routes.v1" // compacted
	TopicShadowDecisions   = "pfr.shadow-decisions.v1"   // of candidate routers
	TopicOnlineMetrics     = "pfr.online-metrics.v1"     // compacted
	TopicExperiments       = "pfr.experiments.v1"        // compacted
	TopicControl           = "pfr.control.v1"            // compacted
	TopicErasures          = "pfr.erasures.v1"
	TopicDeadLetters       = "pfr.dead-letters.v1"
)

// Topics lists every topic of the pipeline.
func Topics() []string {
	return []string{
		TopicQueries, TopicRouteDecisions, TopicSERPs, TopicInteractions,
		TopicPrecomputedRoutes, TopicShadowDecisions, TopicOnlineMetrics, TopicExperiments, TopicControl, TopicErasures, TopicDeadLetters,
	}
}

// Subjects on NATS.
const (
	subjectTool = "pfr.tool.v1."
	subjectSERP = "pfr.serp.v1."
)

// ToolSubject is where the workers of a tool listen, as a queue group.
func ToolSubject(tool string) string { return subjectTool + tool }

// SERPSubject carries the [Progress] of one query.
func SERPSubject(correlationID string) string { return subjectSERP + correlationID }
