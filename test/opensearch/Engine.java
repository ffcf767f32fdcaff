import java.nio.file.Path;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Runs one node of OpenSearch on loopback until the process is told to end. */
public final class Engine {
    public static void main(final String[] args) throws Exception {
        final Path data = Path.of(args[0]);
        final String port = args[1];
        final OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("http.port", port);
            settings.put("transport.port", String.valueOf(Integer.parseInt(port) + 1));
            settings.put("network.host", "127.0.0.1");
            settings.put("discovery.type", "single-node");
            settings.putList("discovery.seed_hosts");
            settings.remove("cluster.initial_cluster_manager_nodes");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
        });
        runner.build(OpenSearchRunner.newConfigs()
            .basePath(data.toString()).clusterName("pfr-test").numOfNode(1).printOnFailure());
        Thread.currentThread().join();
    }
}
