// Every figure of the process in one searchable table, read only while it is open: for the question nobody foresaw.

import { createMemo, createSignal, For, Show } from 'solid-js';
import { am } from './messages';
import { createPoll } from './poll';
import { type Before, matching, type Row, rowsOf, valuesOf } from './tables';
import { figuresGet } from './wire';

/** Rows drawn at most; the search finds the rest. */
const ROWS_MAX = 100;

export function Figures() {
  const [open, setOpen] = createSignal(false);
  return (
    <details class="flow-panel flow-figures" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="flow-figures__summary">
        <h2 class="flow-panel__title">{am.figures.title}</h2>
      </summary>
      <Show when={open()}>
        <FiguresTable />
      </Show>
    </details>
  );
}

function FiguresTable() {
  const [search, setSearch] = createSignal('');
  const [rows, setRows] = createSignal<Row[]>([]);
  let before: Before | undefined;
  createPoll(figuresGet, (answer) => {
    setRows(rowsOf(answer, before));
    before = { atMs: answer.atMs, values: valuesOf(rows()) };
  });
  const found = createMemo(() => matching(rows(), search()));
  const byKey = createMemo(() => new Map(found().map((row) => [row.key, row])));
  const keys = createMemo(() => [...byKey().keys()].slice(0, ROWS_MAX), [], {
    equals: (a, b) => a.join('\t') === b.join('\t'),
  });
  return (
    <>
      <p class="flow-panel__lead">{am.figures.lead}</p>
      <div class="field flow-figures__search">
        <label class="field__label" for="figures-search">
          {am.figures.search}
        </label>
        <input
          id="figures-search"
          class="input"
          type="search"
          autocomplete="off"
          spellcheck={false}
          placeholder={am.figures.searchHint}
          value={search()}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <p class="field__hint" role="status">
          {found().length > 0 ? am.figures.count(keys().length, found().length) : am.figures.none}
        </p>
      </div>
      <table class="flow-figures__table">
        <thead>
          <tr>
            <th scope="col">{am.figures.columns.name}</th>
            <th scope="col" class="is-number">
              {am.figures.columns.value}
            </th>
            <th scope="col" class="is-number">
              {am.figures.columns.rate}
            </th>
          </tr>
        </thead>
        <tbody>
          <For each={keys()}>{(key) => <FigureRow row={byKey().get(key)} />}</For>
        </tbody>
      </table>
    </>
  );
}

function FigureRow(props: { row: Row | undefined }) {
  const value = () => {
    const value = props.row?.value ?? null;
    if (value === null) return am.unknown;
    return Number.isInteger(value) ? am.whole(value) : String(Number(value.toPrecision(4)));
  };
  const rate = () => (props.row?.rate ? am.number(props.row.rate) : am.unknown);
  return (
    <tr>
      <th scope="row" class="flow-figures__name">
        {props.row?.name}
        <span class="flow-figures__labels">{props.row?.labels}</span>
      </th>
      <td class="is-number">{value()}</td>
      <td class="is-number">{rate()}</td>
    </tr>
  );
}
