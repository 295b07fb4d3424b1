package riffle.bench;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** The bench's files as a bounded source: one split a partition, dealt round the readers. */
final class EventSource implements Source<Event, EventSource.Part, Integer> {
  private final String folder;
  private final int partitions;
  /** Put into every event in place of its own video, unless negative. */
  private final long video;

  EventSource(String folder, int partitions, long video) {
    this.folder = folder;
    this.partitions = partitions;
    this.video = video;
  }

  /** A partition, and the next event to read of it. */
  static final class Part implements SourceSplit, Serializable {
    final int number;
    final long next;

    Part(int number, long next) {
      this.number = number;
      this.next = next;
    }

    @Override
    public String splitId() {
      return Integer.toString(number);
    }
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SourceReader<Event, Part> createReader(SourceReaderContext context) {
    return new EventReader(folder, video);
  }

  @Override
  public SplitEnumerator<Part, Integer> createEnumerator(SplitEnumeratorContext<Part> context) {
    return new Dealer(context, partitions);
  }

  @Override
  public SplitEnumerator<Part, Integer> restoreEnumerator(SplitEnumeratorContext<Part> context, Integer dealt) {
    return new Dealer(context, partitions);
  }

  @Override
  public SimpleVersionedSerializer<Part> getSplitSerializer() {
    return new PartSerializer();
  }

  @Override
  public SimpleVersionedSerializer<Integer> getEnumeratorCheckpointSerializer() {
    return new CountSerializer();
  }

  /** Gives each reader its splits when it comes, once. */
  private static final class Dealer implements SplitEnumerator<Part, Integer> {
    private final SplitEnumeratorContext<Part> context;
    private final int partitions;
    private final Map<Integer, List<Part>> back = new HashMap<>();
    private final Collection<Integer> dealt = new ArrayList<>();

    Dealer(SplitEnumeratorContext<Part> context, int partitions) {
      this.context = context;
      this.partitions = partitions;
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int reader, String host) {}

    @Override
    public void addSplitsBack(List<Part> splits, int reader) {
      back.put(reader, splits);
    }

    @Override
    public void addReader(int reader) {
      List<Part> splits = back.remove(reader);
      if (splits == null && !dealt.contains(reader)) {
        splits = new ArrayList<>();
        for (int number = reader; number < partitions; number += context.currentParallelism()) {
          splits.add(new Part(number, 0));
        }
      }
      dealt.add(reader);
      if (splits != null) {
        splits.forEach(split -> context.assignSplit(split, reader));
      }
      context.signalNoMoreSplits(reader);
    }

    @Override
    public Integer snapshotState(long checkpoint) {
      return dealt.size();
    }

    @Override
    public void close() {}
  }

  private static final class PartSerializer implements SimpleVersionedSerializer<Part> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Part part) {
      return ByteBuffer.allocate(12).putInt(part.number).putLong(part.next).array();
    }

    @Override
    public Part deserialize(int version, byte[] bytes) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      return new Part(buffer.getInt(), buffer.getLong());
    }
  }

  private static final class CountSerializer implements SimpleVersionedSerializer<Integer> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Integer count) {
      return ByteBuffer.allocate(4).putInt(count).array();
    }

    @Override
    public Integer deserialize(int version, byte[] bytes) {
      return ByteBuffer.wrap(bytes).getInt();
    }
  }
}
