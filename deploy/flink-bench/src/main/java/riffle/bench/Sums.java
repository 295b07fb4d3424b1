package riffle.bench;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/** What people did with one video in a stretch of time. */
public final class Sums implements CopyableValue<Sums> {
  static final long FIRST_MS = 1_760_000_400_000L;
  static final long HOUR_MS = 3_600_000L;
  static final int OLDEST_VIDEO_H = 72;

  long video;
  int views;
  int likes;
  int comments;
  int shares;
  long completion;

  Sums add(Event event) {
    video = event.video;
    switch (event.kind) {
      case 0 -> {
        views++;
        completion += event.completion;
      }
      case 1 -> likes++;
      case 2 -> comments++;
      default -> shares++;
    }
    return this;
  }

  Sums add(Sums more) {
    video = more.video;
    views += more.views;
    likes += more.likes;
    comments += more.comments;
    shares += more.shares;
    completion += more.completion;
    return this;
  }

  void subtract(Sums less) {
    views -= less.views;
    likes -= less.likes;
    comments -= less.comments;
    shares -= less.shares;
    completion -= less.completion;
  }

  boolean isZero() {
    return (views | likes | comments | shares) == 0;
  }

  /** The same operations in the same order as in the bench's own job, so that not even the last bit differs. */
  double score(long nowMs) {
    double points = views + 5.0 * likes + 10.0 * comments + 20.0 * shares;
    double watched = views > 0 ? (double) completion / views / 2.0 : 1.0;
    long publishedMs = FIRST_MS - ((video >> 7) % OLDEST_VIDEO_H) * HOUR_MS;
    double ageHours = (nowMs - publishedMs) / 3_600_000.0;
    return points * Math.max(watched, 1.0) * (1.0 / (1.0 + ageHours / 2.0));
  }

  @Override
  public void write(DataOutputView out) throws IOException {
    out.writeLong(video);
    out.writeInt(views);
    out.writeInt(likes);
    out.writeInt(comments);
    out.writeInt(shares);
    out.writeLong(completion);
  }

  @Override
  public void read(DataInputView in) throws IOException {
    video = in.readLong();
    views = in.readInt();
    likes = in.readInt();
    comments = in.readInt();
    shares = in.readInt();
    completion = in.readLong();
  }

  @Override
  public int getBinaryLength() {
    return 32;
  }

  @Override
  public void copyTo(Sums target) {
    target.video = video;
    target.views = views;
    target.likes = likes;
    target.comments = comments;
    target.shares = shares;
    target.completion = completion;
  }

  @Override
  public Sums copy() {
    Sums copy = new Sums();
    copyTo(copy);
    return copy;
  }

  @Override
  public void copy(DataInputView in, DataOutputView out) throws IOException {
    out.write(in, getBinaryLength());
  }
}
