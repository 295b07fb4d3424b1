// Reads the length out of an MP4 or QuickTime file's movie header (ISO 14496-12, boxes moov and mvhd), wherever in the
// file it stands, touching a few bytes only. Reads nothing else; the server checks the file itself.

const BOXES_MAX = 64;

interface Box {
  type: string;
  bodyAt: number;
  end: number;
}

/** Length in milliseconds; undefined when the file has no readable movie header. */
export async function movieLengthMs(file: Blob): Promise<number | undefined> {
  const moov = await findBox(file, 'moov', 0, file.size);
  const mvhd = moov && (await findBox(file, 'mvhd', moov.bodyAt, moov.end));
  if (!mvhd) return undefined;
  const view = await bytesAt(file, mvhd.bodyAt, 32);
  if (view.byteLength < 32) return undefined;
  const isLong = view.getUint8(0) === 1;
  const timescale = view.getUint32(isLong ? 20 : 12);
  const length = isLong ? Number(view.getBigUint64(24)) : view.getUint32(16);
  return timescale > 0 && length > 0 ? (length * 1000) / timescale : undefined;
}

async function findBox(file: Blob, type: string, from: number, end: number): Promise<Box | undefined> {
  let at = from;
  for (let seen = 0; seen < BOXES_MAX && at + 8 <= end; seen += 1) {
    const box = await boxAt(file, at, end);
    if (!box || box.type === type) return box;
    at = box.end;
  }
  return undefined;
}

async function boxAt(file: Blob, at: number, end: number): Promise<Box | undefined> {
  const view = await bytesAt(file, at, 16);
  if (view.byteLength < 8) return undefined;
  const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(i)));
  const small = view.getUint32(0);
  const isLarge = small === 1 && view.byteLength >= 16;
  const size = isLarge ? Number(view.getBigUint64(8)) : small === 0 ? end - at : small;
  if (size < 8 || at + size > end) return undefined;
  return { type, bodyAt: at + (isLarge ? 16 : 8), end: at + size };
}

const bytesAt = async (file: Blob, at: number, count: number): Promise<DataView> =>
  new DataView(await file.slice(at, at + count).arrayBuffer());
