// The operator's second page: what rises by itself, what operators ask of the feed, what a video is worth, and who changed it.
// Everything here acts on the next page of every viewer.

import { createSignal, Index, Show } from 'solid-js';
import { refresh, viewer, wasSignedIn } from '../api/auth';
import { toast, toastRefusal } from '../state/toasts';
import { Gate } from './gate';
import { am, named } from './messages';
import { rememberOperator } from './operator';
import { createPoll } from './poll';
import { FlagsForm } from './steer-flags';
import { OrderForm } from './steer-form';
import { Weights } from './steer-weights';
import {
  type Change,
  type Order,
  orderWithdraw,
  type Rising,
  type Steering,
  steeringGet,
} from './steer-wire';
import './flow.css';
import './tables.css';
import './steer.css';

async function ask(signal: AbortSignal): Promise<Steering> {
  if (!viewer() && wasSignedIn()) await refresh();
  return steeringGet(signal);
}

export default function SteerPage() {
  const [steering, setSteering] = createSignal<Steering>();
  const [target, setTarget] = createSignal('');
  const poll = createPoll<Steering>(ask, (now) => {
    setSteering(now);
    rememberOperator();
  });
  const again = () => poll.again();
  return (
    <div class="page flow steer">
      <Gate error={poll.error()} again={again} ready={steering() !== undefined}>
        <Show when={steering()}>
          {(now) => (
            <>
              <h1 class="page__title">{am.steer.title}</h1>
              <p class="page__lead">{am.steer.lead}</p>
              <RisingPanel rising={now().rising} atMs={now().atMs} choose={setTarget} />
              <OrdersPanel orders={now().orders} atMs={now().atMs} changed={again} />
              <OrderForm target={target()} setTarget={setTarget} made={again} />
              <FlagsForm changed={again} />
              <Weights weights={now().weights} changed={again} />
              <Trail changes={now().changes} />
            </>
          )}
        </Show>
      </Gate>
    </div>
  );
}

function RisingPanel(props: { rising: Rising[]; atMs: number; choose: (target: string) => void }) {
  const words = am.steer.rising;
  return (
    <section class="flow-panel" aria-labelledby="rising-title">
      <h2 class="flow-panel__title" id="rising-title">
        {words.title}
      </h2>
      <p class="flow-panel__lead">{words.lead}</p>
      <Show when={props.rising.length > 0} fallback={<p class="flow-panel__empty">{words.none}</p>}>
        <ul class="steer-rising">
          <Index each={props.rising}>
            {(topic) => (
              <li class="steer-topic">
                <span class="steer-topic__name">{targetName(topic().scope)}</span>
                <span class="steer-topic__lift">{words.lift(topic().lift)}</span>
                <span class="steer-topic__facts">
                  {words.facts(topic().interestPerMinute, topic().viewers, props.atMs - topic().sinceMs)}
                </span>
                <button type="button" class="button" onClick={() => props.choose(topic().scope)}>
                  {words.boost}
                </button>
              </li>
            )}
          </Index>
        </ul>
      </Show>
    </section>
  );
}

function OrdersPanel(props: { orders: Order[]; atMs: number; changed: () => void }) {
  const words = am.steer.orders;
  const withdraw = async (order: Order) => {
    try {
      await orderWithdraw(order.id);
      toast(words.withdrawn);
      props.changed();
    } catch (error) {
      toastRefusal(error);
    }
  };
  return (
    <section class="flow-panel" aria-labelledby="orders-title">
      <h2 class="flow-panel__title" id="orders-title">
        {words.title}
      </h2>
      <p class="flow-panel__lead">{words.lead}</p>
      <Show when={props.orders.length > 0} fallback={<p class="flow-panel__empty">{words.none}</p>}>
        <table class="flow-drops">
          <thead>
            <tr>
              <th scope="col">{words.columns.what}</th>
              <th scope="col">{words.columns.reason}</th>
              <th scope="col">{words.columns.ends}</th>
              <th scope="col">
                <span class="visually-hidden">{words.columns.action}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <Index each={props.orders}>
              {(order) => (
                <tr>
                  <th scope="row">
                    {targetName(order().target)}
                    <span class="steer-order__kind">{kindOf(order())}</span>
                  </th>
                  <td dir="auto">{order().reason}</td>
                  <td>{words.endsIn(order().endsAtMs - props.atMs)}</td>
                  <td class="is-number">
                    <button type="button" class="button" onClick={() => void withdraw(order())}>
                      {words.withdraw}
                      <span class="visually-hidden"> {targetName(order().target)}</span>
                    </button>
                  </td>
                </tr>
              )}
            </Index>
          </tbody>
        </table>
      </Show>
    </section>
  );
}

function Trail(props: { changes: Change[] }) {
  const words = am.steer.trail;
  return (
    <section class="flow-panel" aria-labelledby="trail-title">
      <h2 class="flow-panel__title" id="trail-title">
        {words.title}
      </h2>
      <Show when={props.changes.length > 0} fallback={<p class="flow-panel__empty">{words.none}</p>}>
        <ol class="steer-trail">
          <Index each={props.changes}>
            {(change) => (
              <li class="steer-trail__row">
                <time class="steer-trail__when" dateTime={new Date(change().changedAtMs).toISOString()}>
                  {am.steer.when(change().changedAtMs)}
                </time>
                <span class="steer-trail__what">{named(words.what, change().what)}</span>
                <span class="steer-trail__detail" dir="auto">
                  {change().detail}
                </span>
                <span class="steer-trail__who">{words.by(change().username ?? change().changedBy)}</span>
              </li>
            )}
          </Index>
        </ol>
      </Show>
    </section>
  );
}

function kindOf(order: Order): string {
  const where = order.region ?? am.steer.orders.everywhere;
  return order.kind === 'pin' ? am.steer.orders.pin(where) : am.steer.orders.boost(order.factor, where);
}

/** `hashtag:sea` → "#sea"; other targets stay as they are typed. */
function targetName(target: string): string {
  const [kind, ...rest] = target.split(':');
  return kind === 'hashtag' ? `#${rest.join(':')}` : target;
}
