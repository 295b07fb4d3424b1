package riffle.bench;

import java.util.PriorityQueue;
import java.util.TreeMap;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * The best hundred of each window, told when the watermark has passed its end.
 *
 * <p>It stands twice in the job: chained behind the windows, so that a hundred a task travel instead of all, and once for the whole. What
 * it holds comes and goes within one watermark of its task; it keeps no state in checkpoints, which costs Flink nothing.
 */
final class Best extends AbstractStreamOperator<Ranked> implements OneInputStreamOperator<Ranked, Ranked> {
  static final int LIST_MAX = 100;

  private transient TreeMap<Long, PriorityQueue<Ranked>> windows;
  private transient PriorityQueue<Ranked> last;
  private transient long lastEndMs;

  @Override
  public void open() throws Exception {
    super.open();
    windows = new TreeMap<>();
  }

  @Override
  public void processElement(StreamRecord<Ranked> element) {
    Ranked ranked = element.getValue();
    if (last == null || lastEndMs != ranked.endMs) {
      last = windows.computeIfAbsent(ranked.endMs, endMs -> new PriorityQueue<>(LIST_MAX + 1));
      lastEndMs = ranked.endMs;
    }
    if (last.size() < LIST_MAX) {
      last.add(ranked.copy());
    } else if (last.peek().compareTo(ranked) < 0) {
      last.poll();
      last.add(ranked.copy());
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    while (!windows.isEmpty() && windows.firstKey() - 1 <= mark.getTimestamp()) {
      var window = windows.pollFirstEntry();
      last = null;
      while (!window.getValue().isEmpty()) {
        output.collect(new StreamRecord<>(window.getValue().poll(), window.getKey() - 1));
      }
    }
    super.processWatermark(mark);
  }
}
