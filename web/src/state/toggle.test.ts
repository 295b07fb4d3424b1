// Optimistic toggles: shown at once, rolled back when refused, the newest wish wins, calls never overlap.

import { describe, expect, it } from 'vitest';
import { Toggle } from './toggle';

function setup(initial = false) {
  const calls: { on: boolean; settle: (error?: Error) => void }[] = [];
  const shown: boolean[] = [];
  const refused: unknown[] = [];
  const toggle = new Toggle(initial, {
    show: (on) => shown.push(on),
    send: (on) =>
      new Promise((resolve, reject) => {
        calls.push({ on, settle: (error) => (error ? reject(error) : resolve()) });
      }),
    onRefused: (error) => refused.push(error),
  });
  return { toggle, calls, shown, refused };
}

describe('Toggle', () => {
  it('shows before the server answers', () => {
    const { toggle, shown, calls } = setup();
    void toggle.set(true);
    expect(shown).toEqual([true]);
    expect(calls).toHaveLength(1);
  });

  it('rolls back when refused, and says so', async () => {
    const { toggle, shown, calls, refused } = setup();
    const done = toggle.set(true);
    calls[0]?.settle(new Error('no'));
    await done;
    expect(shown).toEqual([true, false]);
    expect(refused).toHaveLength(1);
    expect(toggle.on).toBe(false);
  });

  it('sends only what differs in the end', async () => {
    const { toggle, calls } = setup();
    const done = toggle.set(true);
    void toggle.set(false);
    void toggle.set(true);
    calls[0]?.settle();
    await done;
    expect(calls.map((c) => c.on)).toEqual([true]);
  });

  it('follows a changed wish once the first call is over', async () => {
    const { toggle, calls } = setup();
    const done = toggle.set(true);
    void toggle.set(false);
    calls[0]?.settle();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(calls.map((c) => c.on)).toEqual([true, false]);
    calls[1]?.settle();
    await done;
    expect(toggle.on).toBe(false);
  });
});
