// "Why this video": the receipt of an impression in plain words, as it was written when the page was made. It decides nothing.

import { createResource, For, Match, Show, Switch } from 'solid-js';
import { ApiError } from '../api/client';
import { type Why, whyGet } from '../api/control';
import type { FeedItem } from '../api/wire';
import { m } from '../messages';
import { Link, routes } from '../router';
import { closeDialog } from '../state/dialogs';
import { Icon } from './icon';
import { Sheet } from './sheet';
import './why.css';

/** None when there is no receipt: watched from a link, or served long ago. */
async function receiptOf(impressionId: string): Promise<Why | null> {
  if (!impressionId) return null;
  try {
    return await whyGet(impressionId);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

const percent = (part: number): string => (part > 0 && part < 0.01 ? '< 1 %' : `${Math.round(part * 100)} %`);

export function WhySheet(props: { item: FeedItem }) {
  const [why, { refetch }] = createResource(() => receiptOf(props.item.impressionId));
  return (
    <Sheet title={m.why.title} onClose={closeDialog}>
      <div class="sheet__scroll why">
        <Switch>
          <Match when={why.loading}>
            <p class="why__note" role="status">
              {m.why.loading}
            </p>
          </Match>
          <Match when={why.error}>
            <p class="why__note" role="alert">
              {m.why.failed}
            </p>
            <button type="button" class="button" onClick={() => void refetch()}>
              {m.why.retry}
            </button>
          </Match>
          <Match when={why() === null}>
            <p class="why__note">{m.why.gone}</p>
          </Match>
          <Match when={why()}>{(shown) => <Receipt why={shown()} />}</Match>
        </Switch>
        <Link class="button why__change" href={routes.interests} on:click={closeDialog}>
          {m.why.change}
        </Link>
      </div>
    </Sheet>
  );
}

function Receipt(props: { why: Why }) {
  const found = () => props.why.sources.map((name) => m.why.sourceNames[name] ?? name).join(', ');
  return (
    <>
      <Show when={props.why.explored}>
        <p class="why__note">{m.why.explored(percent(props.why.probability))}</p>
      </Show>
      <Show when={props.why.rule?.name === 'regional'}>
        <p class="why__note">{m.why.regional}</p>
      </Show>
      <h3 class="why__title">{m.why.reasons}</h3>
      <Show when={props.why.reasons.length > 0} fallback={<p class="why__note">{m.why.plain}</p>}>
        <ul class="why__reasons">
          <For each={props.why.reasons}>
            {(reason) => (
              <li class="why__reason" classList={{ 'is-against': reason.weight < 0 }}>
                <Icon name={reason.weight < 0 ? 'down' : 'up'} size={18} />
                <span>
                  {reason.text}
                  <Show when={reason.weight < 0}>
                    <span class="visually-hidden"> ({m.why.against})</span>
                  </Show>
                </span>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <details class="why__details">
        <summary>{m.why.how}</summary>
        <dl class="why__facts">
          <dt>{m.why.sources}</dt>
          <dd>{found()}</dd>
          <dt>{m.why.model}</dt>
          <dd>{percent(props.why.modelShare)}</dd>
          <Show when={props.why.freshBoost > 1}>
            <dt>{m.why.fresh}</dt>
            <dd>× {props.why.freshBoost.toFixed(2)}</dd>
          </Show>
          <Show when={props.why.followedBoost > 1}>
            <dt>{m.why.followed}</dt>
            <dd>× {props.why.followedBoost.toFixed(2)}</dd>
          </Show>
          <Show when={props.why.rule} keyed>
            {(rule) => (
              <>
                <dt>{m.why.price}</dt>
                <dd>{rule.price.toFixed(3)}</dd>
              </>
            )}
          </Show>
        </dl>
      </details>
    </>
  );
}
