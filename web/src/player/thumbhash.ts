// Decodes a thumbhash (https://evanw.github.io/thumbhash/) into a tiny picture, as a data address for CSS.
// Decoding only; the server makes the hashes.

const EDGE_PX = 32;

interface Grid {
  nx: number;
  ny: number;
  values: number[];
}

class Nibbles {
  #at: number;
  constructor(
    private readonly bytes: Uint8Array,
    startByte: number,
  ) {
    this.#at = startByte * 2;
  }

  grid(nx: number, ny: number, scale: number): Grid {
    const values: number[] = [];
    for (let cy = 0; cy < ny; cy += 1) {
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx += 1) values.push(this.#next() * scale);
    }
    return { nx, ny, values };
  }

  #next(): number {
    const byte = this.bytes[this.#at >> 1] ?? 0;
    const nibble = (byte >> ((this.#at & 1) * 4)) & 15;
    this.#at += 1;
    return nibble / 7.5 - 1;
  }
}

function sample(grid: Grid, u: number, v: number): number {
  let sum = 0;
  let at = 0;
  for (let cy = 0; cy < grid.ny; cy += 1) {
    const fy = Math.cos(Math.PI * v * cy) * 2;
    for (let cx = cy ? 0 : 1; cx * grid.ny < grid.nx * (grid.ny - cy); cx += 1, at += 1) {
      sum += (grid.values[at] ?? 0) * Math.cos(Math.PI * u * cx) * fy;
    }
  }
  return sum;
}

export interface TinyPicture {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Decodes base64 thumbhash text; undefined when it is too short to be one. */
export function decodeThumbhash(base64: string): TinyPicture | undefined {
  const h = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  if (h.length < 6) return undefined;
  const [h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0] = h;
  const low = h0 | (h1 << 8) | (h2 << 16);
  const high = h3 | (h4 << 8);
  const hasAlpha = low >> 23 !== 0;
  const isLandscape = high >> 15 !== 0;
  const long = hasAlpha ? 5 : 7;
  const short = Math.max(3, high & 7);
  const [lx, ly] = isLandscape ? [long, short] : [short, long];
  const nibbles = new Nibbles(h, hasAlpha ? 6 : 5);
  const l = nibbles.grid(Math.max(3, lx), Math.max(3, ly), ((low >> 18) & 31) / 31);
  const p = nibbles.grid(3, 3, (((high >> 3) & 63) / 63) * 1.25);
  const q = nibbles.grid(3, 3, (((high >> 9) & 63) / 63) * 1.25);
  const alpha = hasAlpha ? nibbles.grid(5, 5, (h5 >> 4) / 15) : undefined;
  const base = {
    l: (low & 63) / 63,
    p: ((low >> 6) & 63) / 31.5 - 1,
    q: ((low >> 12) & 63) / 31.5 - 1,
    a: hasAlpha ? (h5 & 15) / 15 : 1,
  };
  return paint(lx / ly, (u, v) => [
    base.l + sample(l, u, v),
    base.p + sample(p, u, v),
    base.q + sample(q, u, v),
    base.a + (alpha ? sample(alpha, u, v) : 0),
  ]);
}

function paint(ratio: number, at: (u: number, v: number) => [number, number, number, number]): TinyPicture {
  const width = Math.max(1, Math.round(ratio > 1 ? EDGE_PX : EDGE_PX * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? EDGE_PX / ratio : EDGE_PX));
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i += 1) {
    const [l, p, q, a] = at(((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height);
    const blue = l - (2 / 3) * p;
    const red = (3 * l - blue + q) / 2;
    rgba.set([red * 255, (red - q) * 255, blue * 255, a * 255], i * 4);
  }
  return { width, height, rgba };
}

const urls = new Map<string, string>();
const URLS_MAX = 200;

/** A data address of the decoded picture, remembered; empty text when it cannot be made. */
export function thumbhashUrl(base64: string | undefined): string {
  if (!base64) return '';
  const known = urls.get(base64);
  if (known !== undefined) return known;
  const url = encode(base64);
  if (urls.size >= URLS_MAX) urls.delete(urls.keys().next().value as string);
  urls.set(base64, url);
  return url;
}

function encode(base64: string): string {
  try {
    const picture = decodeThumbhash(base64);
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    if (!picture || !context) return '';
    canvas.width = picture.width;
    canvas.height = picture.height;
    context.putImageData(new ImageData(picture.rgba, picture.width, picture.height), 0, 0);
    return canvas.toDataURL();
  } catch {
    return '';
  }
}
