package riffle.bench;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Slices in, scores of every window out: totals that move on by one slice, one comes in and one goes.
 *
 * <p>It works as the sink of the bench's own job does, chained behind the slices of the same videos. Its totals are not in checkpoints,
 * which costs Flink nothing.
 */
final class Totals extends AbstractStreamOperator<Ranked> implements OneInputStreamOperator<Sums, Ranked> {
  private final long sliceMs;
  private final int windowSlices;

  private transient TreeMap<Long, Map<Long, Sums>> slices;
  private transient Map<Long, Sums> window;
  private transient Long next;
  /** One for all: whoever keeps it makes a copy. */
  private transient StreamRecord<Ranked> out;

  Totals(long sliceMs, int windowSlices) {
    this.sliceMs = sliceMs;
    this.windowSlices = windowSlices;
  }

  @Override
  public void open() throws Exception {
    super.open();
    slices = new TreeMap<>();
    window = new HashMap<>();
    out = new StreamRecord<>(new Ranked());
  }

  @Override
  public void processElement(StreamRecord<Sums> element) {
    Sums sums = element.getValue();
    slices.computeIfAbsent(element.getTimestamp() / sliceMs, slice -> new HashMap<>()).put(sums.video, sums.copy());
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (!slices.isEmpty()) {
      long newest = slices.lastKey();
      long slice = next == null ? slices.firstKey() : next;
      while ((slice + 1) * sliceMs - 1 <= mark.getTimestamp() && slice < newest + windowSlices) {
        slide(slice);
        slice++;
      }
      next = slice;
    }
    super.processWatermark(mark);
  }

  private void slide(long slice) {
    for (Sums sums : slices.getOrDefault(slice, Map.of()).values()) {
      window.computeIfAbsent(sums.video, video -> new Sums()).add(sums);
    }
    Map<Long, Sums> gone = slices.remove(slice - windowSlices);
    if (gone != null) {
      gone.values().forEach(sums -> window.get(sums.video).subtract(sums));
    }
    Ranked ranked = out.getValue();
    ranked.endMs = (slice + 1) * sliceMs;
    for (Iterator<Sums> totals = window.values().iterator(); totals.hasNext(); ) {
      Sums total = totals.next();
      if (total.isZero()) {
        totals.remove();
        continue;
      }
      ranked.video = total.video;
      ranked.score = total.score(ranked.endMs);
      output.collect(out);
    }
  }
}
