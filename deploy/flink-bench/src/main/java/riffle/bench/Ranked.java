package riffle.bench;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/** A video's place in the window that ends at endMs. Ordered by score; of equals the smaller id is the better one. */
public final class Ranked implements CopyableValue<Ranked>, Comparable<Ranked> {
  long endMs;
  long video;
  double score;

  @Override
  public int compareTo(Ranked other) {
    int byScore = Double.compare(score, other.score);
    return byScore != 0 ? byScore : Long.compare(other.video, video);
  }

  @Override
  public void write(DataOutputView out) throws IOException {
    out.writeLong(endMs);
    out.writeLong(video);
    out.writeDouble(score);
  }

  @Override
  public void read(DataInputView in) throws IOException {
    endMs = in.readLong();
    video = in.readLong();
    score = in.readDouble();
  }

  @Override
  public int getBinaryLength() {
    return 24;
  }

  @Override
  public void copyTo(Ranked target) {
    target.endMs = endMs;
    target.video = video;
    target.score = score;
  }

  @Override
  public Ranked copy() {
    Ranked copy = new Ranked();
    copyTo(copy);
    return copy;
  }

  @Override
  public void copy(DataInputView in, DataOutputView out) throws IOException {
    out.write(in, getBinaryLength());
  }
}
