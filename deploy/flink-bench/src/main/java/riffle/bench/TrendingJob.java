package riffle.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.ValueTypeInfo;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Trending over an hour that slides by five minutes, the hundred best of each slide.
 *
 * <p>Two ways. `sliding` is the textbook: each event goes into the twelve windows it belongs to. `totals` is written by hand for this one
 * question: each event goes into one slice of five minutes, and behind it in the same task the slices move the window's totals on.
 *
 * <p>Arguments: folder of events, partitions, parallelism, variant, video or -1, events of the warm-up, folder for checkpoints, file for
 * the lists.
 */
public final class TrendingJob {
  private static final Duration WINDOW = Duration.ofHours(1);
  private static final Duration SLIDE = Duration.ofMinutes(5);
  private static final Duration DISORDER = Duration.ofSeconds(10);
  private static final TypeInformation<Event> EVENT = new ValueTypeInfo<>(Event.class);
  private static final TypeInformation<Sums> SUMS = new ValueTypeInfo<>(Sums.class);
  private static final TypeInformation<Ranked> RANKED = new ValueTypeInfo<>(Ranked.class);
  /** What the last operator told; it runs in this process. */
  private static final List<Ranked> LISTS = Collections.synchronizedList(new ArrayList<>());

  private TrendingJob() {}

  public static void main(String[] arguments) throws Exception {
    int parallelism = Integer.parseInt(arguments[2]);
    Meter.warmUpSet(Long.parseLong(arguments[5]));
    var environment = StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration(arguments[6]));
    var source = new EventSource(arguments[0], Integer.parseInt(arguments[1]), Long.parseLong(arguments[4]));
    var times = WatermarkStrategy.<Event>forBoundedOutOfOrderness(DISORDER).withTimestampAssigner((event, at) -> event.atMs);
    DataStream<Event> events = environment.fromSource(source, times, "events", EVENT);
    DataStream<Ranked> scored =
        switch (arguments[3]) {
          case "sliding" -> sliding(events);
          case "totals" -> totals(events);
          default -> throw new IllegalArgumentException("no such variant: " + arguments[3]);
        };
    scored
        .transform("best of the task", RANKED, new Best())
        .global()
        .transform("best", RANKED, new Best())
        .setParallelism(1)
        .map(ranked -> {
          LISTS.add(ranked.copy());
          return ranked;
        })
        .returns(RANKED)
        .setParallelism(1)
        .sinkTo(new DiscardingSink<>())
        .setParallelism(1);
    environment.execute("trending");
    String figures = Meter.json();
    Files.write(Path.of(arguments[7]), lines());
    System.out.println(figures);
  }

  private static Configuration configuration(String checkpoints) {
    Configuration configuration = new Configuration();
    configuration.setString("pipeline.object-reuse", "true");
    // Everything has a serializer of its own; a slip into the generic one would be an error.
    configuration.setString("pipeline.generic-types", "false");
    configuration.setString("state.backend.type", "hashmap");
    configuration.setString("execution.checkpointing.interval", "10 s");
    configuration.setString("execution.checkpointing.storage", "filesystem");
    configuration.setString("execution.checkpointing.dir", Path.of(checkpoints).toUri().toString());
    configuration.setString("taskmanager.memory.network.min", "256 mb");
    configuration.setString("taskmanager.memory.network.max", "256 mb");
    configuration.setString("rest.bind-address", "127.0.0.1");
    return configuration;
  }

  private static DataStream<Ranked> sliding(DataStream<Event> events) {
    return events
        .keyBy(event -> event.video, Types.LONG)
        .window(SlidingEventTimeWindows.of(WINDOW, SLIDE))
        .aggregate(new AddEvents(), new Score(), SUMS, RANKED);
  }

  private static DataStream<Ranked> totals(DataStream<Event> events) {
    int slices = (int) WINDOW.dividedBy(SLIDE);
    return events
        .keyBy(event -> event.video, Types.LONG)
        .window(TumblingEventTimeWindows.of(SLIDE))
        .aggregate(new AddEvents(), SUMS, SUMS)
        .transform("totals", RANKED, new Totals(SLIDE.toMillis(), slices));
  }

  private static final class AddEvents implements AggregateFunction<Event, Sums, Sums> {
    @Override
    public Sums createAccumulator() {
      return new Sums();
    }

    @Override
    public Sums add(Event event, Sums sums) {
      return sums.add(event);
    }

    @Override
    public Sums getResult(Sums sums) {
      return sums;
    }

    @Override
    public Sums merge(Sums one, Sums other) {
      return one.add(other);
    }
  }

  private static final class Score implements WindowFunction<Sums, Ranked, Long, TimeWindow> {
    /** One for all: whoever keeps it makes a copy. */
    private final Ranked ranked = new Ranked();

    @Override
    public void apply(Long video, TimeWindow window, Iterable<Sums> sums, Collector<Ranked> out) {
      ranked.endMs = window.getEnd();
      ranked.video = video;
      ranked.score = sums.iterator().next().score(window.getEnd());
      out.collect(ranked);
    }
  }

  /** One line a place, in the order of windows and, in each, from the best on: end, video, the score's bits. */
  private static List<String> lines() {
    List<Ranked> lists = new ArrayList<>(LISTS);
    lists.sort(Comparator.<Ranked>comparingLong(ranked -> ranked.endMs).thenComparing(Comparator.reverseOrder()));
    return lists.stream()
        .map(ranked -> ranked.endMs + " " + ranked.video + " " + Long.toHexString(Double.doubleToRawLongBits(ranked.score)))
        .toList();
  }
}
