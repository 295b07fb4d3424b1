// A few viewers who never rest: batches of events through the public API, one after the other, until told to stop.

const VIEWERS = 4;
const BATCH_EVENTS = 20;
/** One event in so many is of no known type, so that there is something to refuse. */
const ODD_EVERY = 97;

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
    const events = Array.from({ length: BATCH_EVENTS }, () => {
      seq += 1;
      return eventOf(seq, videos[seq % videos.length]);
    });
    const headers = { 'content-type': 'application/json', ...(cookie && { cookie }) };
    const body = JSON.stringify({ sessionId, events });
    const answer = await fetch(`${base}/api/v1/events`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`events answered ${answer.status}: ${await answer.text()}`);
    cookie ??= answer.headers.get('set-cookie')?.split(';')[0];
    accepted += (await answer.json()).accepted;
  }
  return accepted;
}

function eventOf(seq, videoId) {
  const common = { seq, atMs: Date.now(), videoId };
  if (seq % ODD_EVERY === 0) return { ...common, type: 'nonsense' };
  if (seq % 3 === 0) return { ...common, type: 'watch', watchMs: 1_500, ended: seq % 2 === 0, loops: 0 };
  return seq % 3 === 1 ? { ...common, type: 'impression' } : { ...common, type: 'skip', positionMs: 300 };
}
