// Gestures as numbers: spring, release, rubber, wheel, taps.

import { describe, expect, it, vi } from 'vitest';
import { Pager } from './pager';
import { isAtRest, springStep } from './spring';
import { releaseStep, rubberBand, SpeedMeter } from './swipe';
import { TapReader } from './taps';
import { WheelGate } from './wheel';

describe('the spring', () => {
  it('settles within 400 ms without overshooting, whatever the frame rate', () => {
    for (const frameS of [1 / 120, 1 / 60, 1 / 20]) {
      let motion = { at: 0, speed: 0 };
      for (let t = 0; t < 0.4; t += frameS) {
        motion = springStep(motion, 1, frameS);
        expect(motion.at).toBeLessThanOrEqual(1);
      }
      expect(motion.at).toBeGreaterThan(0.99);
    }
  });
  it('keeps the speed of the throw', () => {
    const thrown = springStep({ at: 0.3, speed: 4 }, 1, 1 / 60);
    const dropped = springStep({ at: 0.3, speed: 0 }, 1, 1 / 60);
    expect(thrown.at).toBeGreaterThan(dropped.at);
    expect(isAtRest({ at: 1, speed: 0 }, 1)).toBe(true);
  });
});

describe('releaseStep', () => {
  const rows: [name: string, moved: number, speed: number, step: number][] = [
    ['a short slow drag stays', 0.1, 0, 0],
    ['a long drag turns', 0.5, 0, 1],
    ['a short flick turns', 0.06, 1.2, 1],
    ['a flick back after a drag stays', 0.4, -1, 0],
    ['a flick down goes back', -0.05, -1, -1],
    ['a long drag down goes back', -0.6, 0, -1],
  ];
  for (const [name, moved, speed, step] of rows) it(name, () => expect(releaseStep(moved, speed)).toBe(step));
});

describe('rubberBand', () => {
  const bounds = { min: 0, max: 3 };
  it('follows the finger inside and resists beyond the ends', () => {
    expect(rubberBand(1.5, bounds)).toBe(1.5);
    expect(rubberBand(-0.4, bounds)).toBeCloseTo(-0.1);
    expect(rubberBand(3.4, bounds)).toBeCloseTo(3.1);
  });
});

describe('SpeedMeter', () => {
  it('measures the last moments only', () => {
    const meter = new SpeedMeter();
    meter.add(0, 0);
    meter.add(100, 100);
    meter.add(150, 150);
    expect(meter.speed(150)).toBeCloseTo(1000);
    expect(meter.speed(400)).toBe(0);
  });
});

describe('Pager', () => {
  it('shows the page it stands on, and two while it is between them', () => {
    vi.stubGlobal('cancelAnimationFrame', () => {});
    const pager = new Pager(2, { place: () => {}, onHalf: () => {}, reducedMotion: () => true });
    const shown = () => [1, 2, 3].filter((index) => pager.shows(index));
    expect(shown()).toEqual([2]);
    pager.grab();
    pager.drag(0.2, { min: 1, max: 3 });
    expect(shown()).toEqual([2, 3]);
    pager.drag(-0.2, { min: 1, max: 3 });
    expect(shown()).toEqual([1, 2]);
    pager.settle(3);
    expect(shown()).toEqual([3]);
    vi.unstubAllGlobals();
  });
});

describe('WheelGate', () => {
  it('turns a touch pad gesture with a long tail into one step', () => {
    const gate = new WheelGate();
    let steps = 0;
    for (let i = 0; i < 60; i += 1) steps += gate.push(80 * 0.93 ** i, i * 16);
    expect(steps).toBe(1);
  });
  it('takes the next notch after a pause, and a new push in the tail', () => {
    const gate = new WheelGate();
    expect(gate.push(100, 0)).toBe(1);
    expect(gate.push(100, 50)).toBe(0);
    expect(gate.push(-100, 400)).toBe(-1);
    for (let t = 416; t < 900; t += 16) expect(gate.push(-10, t)).toBe(0);
    expect(gate.push(-90, 916)).toBe(-1);
  });
});

describe('TapReader', () => {
  const setup = () => {
    const seen: string[] = [];
    const timers = new Map<number, () => void>();
    let last = 0;
    const reader = new TapReader(
      {
        single: () => seen.push('single'),
        double: (at) => seen.push(`double ${at.x}`),
        long: () => seen.push('long'),
      },
      {
        set: (work) => {
          last += 1;
          timers.set(last, work);
          return last;
        },
        clear: (id) => timers.delete(id),
      },
    );
    const pass = () => {
      for (const [id, work] of [...timers]) if (timers.delete(id)) work();
    };
    return { reader, seen, pass };
  };
  const at = (x: number) => ({ x, y: 0 });

  it('one tap, after waiting for a second', () => {
    const { reader, seen, pass } = setup();
    reader.down(at(0));
    reader.up(at(0), 0);
    expect(seen).toEqual([]);
    pass();
    expect(seen).toEqual(['single']);
  });
  it('two near taps are one double tap, where the finger was', () => {
    const { reader, seen, pass } = setup();
    reader.down(at(10));
    reader.up(at(10), 0);
    reader.down(at(12));
    reader.up(at(12), 150);
    pass();
    expect(seen).toEqual(['double 12']);
  });
  it('a held finger is a long press and no tap', () => {
    const { reader, seen, pass } = setup();
    reader.down(at(0));
    pass();
    reader.up(at(0), 600);
    pass();
    expect(seen).toEqual(['long']);
  });
  it('a moved finger is nothing', () => {
    const { reader, seen, pass } = setup();
    reader.down(at(0));
    reader.cancel();
    reader.up(at(0), 100);
    pass();
    expect(seen).toEqual([]);
  });
});
