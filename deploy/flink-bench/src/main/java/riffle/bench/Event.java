package riffle.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/** What the job looks at in an event. A CopyableValue is written by hand, which is Flink's quickest way between tasks. */
public final class Event implements CopyableValue<Event> {
  static final int BYTES = 32;

  long atMs;
  long video;
  byte kind;
  byte completion;

  void read(ByteBuffer events, int at) {
    atMs = events.getLong(at);
    video = events.getLong(at + 8);
    kind = events.get(at + 28);
    completion = events.get(at + 29);
  }

  @Override
  public void write(DataOutputView out) throws IOException {
    out.writeLong(atMs);
    out.writeLong(video);
    out.writeByte(kind);
    out.writeByte(completion);
  }

  @Override
  public void read(DataInputView in) throws IOException {
    atMs = in.readLong();
    video = in.readLong();
    kind = in.readByte();
    completion = in.readByte();
  }

  @Override
  public int getBinaryLength() {
    return 18;
  }

  @Override
  public void copyTo(Event target) {
    target.atMs = atMs;
    target.video = video;
    target.kind = kind;
    target.completion = completion;
  }

  @Override
  public Event copy() {
    Event copy = new Event();
    copyTo(copy);
    return copy;
  }

  @Override
  public void copy(DataInputView in, DataOutputView out) throws IOException {
    out.write(in, getBinaryLength());
  }
}
