// Whether the viewer was asked what they like. Remembered on the device; a device that cannot remember is not asked twice in a visit.

const KEY = 'riffle.asked-interests';

let askedNow = false;

export function wasAsked(): boolean {
  try {
    return askedNow || localStorage.getItem(KEY) !== null;
  } catch {
    return askedNow;
  }
}

export function noteAsked(): void {
  askedNow = true;
  try {
    localStorage.setItem(KEY, String(Date.now()));
  } catch {
    // Private windows may refuse; the visit itself remembers.
  }
}
