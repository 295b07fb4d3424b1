// A few viewers who never rest: batches of events through the public API, in waves, until told to stop.

const VIEWERS = 4;
/** Between an answer and the next batch: lively, and little enough for a machine that also runs a browser. */
const PAUSE_MS = 60;
const BATCH_EVENTS = 16;
const WAVE_MS = 40_000;
/** One event in so many is of no known type, so that there is something to refuse. */
const ODD_EVERY = 197;

/** Starts viewers who watch `videos` (ids). Answers what stops them and says how many events were accepted. */
export function startTraffic(base, videos) {
  const stopping = new AbortController();
  const viewers = Array.from({ length: VIEWERS }, (_, n) => view(base, videos, n, stopping.signal));
  return async function stop() {
    stopping.abort();
    return (await Promise.all(viewers)).reduce((sum, accepted) => sum + accepted, 0);
  };
}

async function view(base, videos, n, signal) {
  const sessionId = `traffic-${process.pid}-${n}-${Date.now()}`;
  let [seq, accepted, cookie] = [0, 0];
  while (!signal.aborted) {
    const wave = 1 + 0.6 * Math.sin((2 * Math.PI * Date.now()) / WAVE_MS);
    const events = Array.from({ length: Math.round(BATCH_EVENTS * wave) }, () => {
      seq += 1;
      return eventOf(seq, videos[seq % videos.length]);
    });
    const headers = { 'content-type': 'application/json', ...(cookie && { cookie }) };
    const body = JSON.stringify({ sessionId, events });
    const answer = await fetch(`${base}/api/v1/events`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`events answered ${answer.status}: ${await answer.text()}`);
    cookie ??= answer.headers.get('set-cookie')?.split(';')[0];
    accepted += (await answer.json()).accepted;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return accepted;
}

function eventOf(seq, videoId) {
  const common = { seq, atMs: Date.now(), videoId };
  if (seq % ODD_EVERY === 0) return { ...common, type: 'nonsense' };
  if (seq % 3 === 0) return { ...common, type: 'watch', watchMs: 1_500, ended: seq % 2 === 0, loops: 0 };
  return seq % 3 === 1 ? { ...common, type: 'impression' } : { ...common, type: 'skip', positionMs: 300 };
}
