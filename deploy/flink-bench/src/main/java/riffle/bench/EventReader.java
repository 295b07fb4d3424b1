package riffle.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;

/** Reads its partitions in turns, a chunk each, so that event time moves on in all of them together. */
final class EventReader implements SourceReader<Event, EventSource.Part> {
  /** Events emitted between two looks at the mailbox: enough that the looking costs nothing. */
  private static final int TURN_EVENTS = 256;
  private static final int CHUNK_EVENTS = 8192;

  private final String folder;
  private final long video;
  private final List<Cursor> cursors = new ArrayList<>();
  private final CompletableFuture<Void> arrived = new CompletableFuture<>();
  /** One event for all: it is written out before the next one is read. */
  private final Event event = new Event();
  private boolean complete;
  private int turn;

  EventReader(String folder, long video) {
    this.folder = folder;
    this.video = video;
  }

  /** Where the reading of one partition is. */
  private static final class Cursor {
    final int number;
    final FileChannel file;
    final long end;
    final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_EVENTS * Event.BYTES).order(ByteOrder.LITTLE_ENDIAN).flip();
    long next;
    SourceOutput<Event> output;

    Cursor(EventSource.Part part, FileChannel file) throws IOException {
      number = part.number;
      next = part.next;
      this.file = file;
      end = file.size() / Event.BYTES;
    }

    void fill() throws IOException {
      chunk.clear();
      while (chunk.hasRemaining() && file.read(chunk, next * Event.BYTES + chunk.position()) > 0) {}
      chunk.flip();
    }
  }

  @Override
  public void start() {}

  @Override
  public InputStatus pollNext(ReaderOutput<Event> output) throws IOException {
    if (cursors.isEmpty()) {
      return complete ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
    }
    turn = (turn + 1) % cursors.size();
    Cursor cursor = cursors.get(turn);
    if (cursor.output == null) {
      cursor.output = output.createOutputForSplit(Integer.toString(cursor.number));
    }
    int emitted = emit(cursor);
    Meter.emitted(emitted);
    if (cursor.next == cursor.end) {
      output.releaseOutputForSplit(Integer.toString(cursor.number));
      cursor.file.close();
      cursors.remove(turn);
    }
    return InputStatus.MORE_AVAILABLE;
  }

  private int emit(Cursor cursor) throws IOException {
    if (!cursor.chunk.hasRemaining()) {
      cursor.fill();
    }
    int count = Math.min(TURN_EVENTS, cursor.chunk.remaining() / Event.BYTES);
    for (int i = 0; i < count; i++) {
      int at = cursor.chunk.position();
      event.read(cursor.chunk, at);
      if (video >= 0) {
        event.video = video;
      }
      cursor.chunk.position(at + Event.BYTES);
      cursor.output.collect(event, event.atMs);
    }
    cursor.next += count;
    return count;
  }

  @Override
  public List<EventSource.Part> snapshotState(long checkpoint) {
    return cursors.stream().map(cursor -> new EventSource.Part(cursor.number, cursor.next)).toList();
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return arrived;
  }

  @Override
  public void addSplits(List<EventSource.Part> splits) {
    for (EventSource.Part split : splits) {
      try {
        Path path = Path.of(folder, split.number + ".events");
        cursors.add(new Cursor(split, FileChannel.open(path, StandardOpenOption.READ)));
      } catch (IOException error) {
        throw new java.io.UncheckedIOException(error);
      }
    }
    arrived.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {
    complete = true;
    arrived.complete(null);
  }

  @Override
  public void close() throws IOException {
    for (Cursor cursor : cursors) {
      cursor.file.close();
    }
  }
}
