package riffle.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;

/** Wall and processor time of this process from the moment when the warm-up's events have been emitted. */
final class Meter {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final AtomicLong EMITTED = new AtomicLong();
  private static volatile long warmUp = Long.MAX_VALUE;
  private static volatile long startedAt;
  private static volatile long startedCpu;
  private static volatile long startedEmitted;

  private Meter() {}

  static void warmUpSet(long events) {
    warmUp = events;
  }

  static void emitted(int count) {
    long emitted = EMITTED.addAndGet(count);
    if (emitted >= warmUp && emitted - count < warmUp) {
      startedEmitted = emitted;
      startedAt = System.nanoTime();
      startedCpu = SYSTEM.getProcessCpuTime();
    }
  }

  /** The figures so far, as JSON. */
  static String json() {
    double wall = (System.nanoTime() - startedAt) / 1e9;
    double cpu = (SYSTEM.getProcessCpuTime() - startedCpu) / 1e9;
    long events = EMITTED.get() - startedEmitted;
    return String.format(
        java.util.Locale.ROOT,
        "{\"events\": %d, \"wall_s\": %.3f, \"cpu_s\": %.3f, \"events_per_s\": %.0f, \"events_per_s_core\": %.0f}",
        events, wall, cpu, events / wall, events / cpu);
  }
}
