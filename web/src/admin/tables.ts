// The rows of the page's two tables: which there are, in which order, with which rate. Draws nothing.

import type { Drop, DropKind, Figures } from './wire';

const GRAVEST: DropKind[] = ['lost', 'degraded', 'refused', 'expected'];

/** Lines keep their places from second to second: by weight, then by the order of the flow, as the server sends them. */
export const sorted = (drops: Drop[]): Drop[] =>
  drops.filter((drop) => drop.total > 0).sort((a, b) => GRAVEST.indexOf(a.kind) - GRAVEST.indexOf(b.kind));

export interface Row {
  key: string;
  name: string;
  labels: string;
  value: number | null;
  /** Null for what does not grow by nature. */
  rate: number | null;
}

/** The answer before, for rates. */
export interface Before {
  atMs: number;
  values: Map<string, number | null>;
}

export const valuesOf = (rows: Row[]): Before['values'] => new Map(rows.map((row) => [row.key, row.value]));

/** The answer as rows, with rates against the answer before it. */
export function rowsOf(now: Figures, before: Before | undefined): Row[] {
  return now.families.flatMap((family) =>
    family.samples.map(({ part, labels, value }) => {
      const name = part ? `${family.name}_${part}` : family.name;
      const text = Object.entries(labels)
        .map(([label, word]) => `${label}=${word}`)
        .join(' ');
      const key = `${name} ${text}`;
      const grows = family.kind === 'counter' || (part !== undefined && part !== 'sum');
      const last = before?.values.get(key);
      const known = grows && before && last !== undefined && last !== null && value !== null && value >= last;
      const rate = known ? ((value - last) * 1000) / Math.max(1, now.atMs - before.atMs) : null;
      return { key, name, labels: text, value, rate };
    }),
  );
}

/** Rows whose name or labels hold every word of the search. Buckets are many and say little: only who names them sees them. */
export const matching = (rows: Row[], search: string): Row[] => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const buckets = words.some((word) => word.includes('bucket'));
  return rows.filter(
    ({ name, key }) =>
      (buckets || !name.endsWith('_bucket')) && words.every((word) => key.toLowerCase().includes(word)),
  );
};
