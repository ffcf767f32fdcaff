import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs files of Flink SQL one after another in a cluster inside this process, and waits for
 * each job to end. Parameters are written ${NAME} in the files and come from the environment.
 * The first statement that fails ends the program with status 1.
 */
public final class Run {
  private static final Pattern SET = Pattern.compile("(?is)SET\\s+'([^']+)'\\s*=\\s*'([^']*)'");
  private static final Pattern PARAMETER = Pattern.compile("\\$\\{(\\w+)}");

  public static void main(String[] files) throws Exception {
    Configuration small = new Configuration();
    small.setString("rest.port", "0");
    small.setString("taskmanager.numberOfTaskSlots", "2");
    small.setString("parallelism.default", "2"); // more than one, so that partitions mix
    small.setString("taskmanager.memory.network.min", "48m");
    small.setString("taskmanager.memory.network.max", "48m");
    small.setString("taskmanager.memory.managed.size", "64m");
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(small).build());
    for (String file : files) {
      for (String statement : split(Files.readString(Path.of(file)))) {
        execute(tables, file, fill(statement));
      }
    }
    System.exit(0); // daemon threads of connectors would keep the process
  }

  private static void execute(TableEnvironment tables, String file, String statement) {
    var set = SET.matcher(statement);
    if (set.matches()) {
      tables.getConfig().set(set.group(1), set.group(2));
      return;
    }
    try {
      var result = tables.executeSql(statement);
      if (statement.startsWith("SELECT") || statement.startsWith("EXPLAIN")) {
        result.print();
      }
      result.await();
    } catch (Exception e) {
      System.err.println(file + ": " + statement.lines().findFirst().orElse(""));
      for (Throwable why = e; why != null; why = why.getCause()) {
        System.err.println("  " + why);
      }
      if (System.getenv("PFR_FLINK_TRACE") != null) {
        e.printStackTrace();
      }
      System.exit(1);
    }
  }

  private static String fill(String sql) {
    return PARAMETER.matcher(sql).replaceAll(match -> {
      String value = System.getenv(match.group(1));
      if (value == null) {
        throw new IllegalArgumentException("the parameter " + match.group(1) + " is not set");
      }
      return Matcher.quoteReplacement(value);
    });
  }

  /** A statement ends with a line that ends in a semicolon; a statement set, with its END. */
  private static List<String> split(String sql) {
    List<String> out = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    for (String line : sql.split("\n")) {
      if (line.strip().startsWith("--") || line.isBlank()) {
        continue;
      }
      one.append(line).append('\n');
      boolean set = one.toString().startsWith("EXECUTE STATEMENT SET");
      if (!line.stripTrailing().endsWith(";") || (set && !line.strip().equals("END;"))) {
        continue;
      }
      String statement = one.toString().strip();
      out.add(set ? statement : statement.substring(0, statement.length() - 1));
      one.setLength(0);
    }
    if (!one.toString().isBlank()) {
      throw new IllegalArgumentException("no semicolon after: " + one);
    }
    return out;
  }
}
