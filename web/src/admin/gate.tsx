// What stands between a visitor and a page for operators: words for guests and for other accounts, waiting, no answer. Whether somebody is let in
// is the server's word.

import { type JSX, Match, Switch } from 'solid-js';
import { viewer } from '../api/auth';
import type { ApiError } from '../api/client';
import { Notice } from '../components/notice';
import { Link, loginFrom } from '../router';
import { am } from './messages';

interface GateProps {
  /** The failure of the last question. */
  error: ApiError | undefined;
  again: () => void;
  /** The page, once there is something to show. */
  children: JSX.Element;
  ready: boolean;
}

export function Gate(props: GateProps) {
  const again = () => (
    <button type="button" class="button button--accent" onClick={() => props.again()}>
      {am.gate.again}
    </button>
  );
  return (
    <Switch fallback={<Waiting />}>
      <Match when={props.error?.status === 401}>
        <Notice icon="user" title={am.gate.signIn} text={am.gate.signInText}>
          <Link class="button button--accent" href={loginFrom()}>
            {am.gate.login}
          </Link>
        </Notice>
      </Match>
      <Match when={props.error?.status === 403}>
        <Notice icon="user" title={am.gate.forbidden} text={am.gate.forbiddenText(viewer()?.username ?? '')}>
          {again()}
        </Notice>
      </Match>
      <Match when={props.ready}>{props.children}</Match>
      <Match when={props.error}>
        <Notice icon="cloudOff" title={am.gate.failed} text={am.gate.failedText} alert>
          {again()}
        </Notice>
      </Match>
    </Switch>
  );
}

const Waiting = () => (
  <div aria-busy="true">
    <span class="visually-hidden" role="status">
      {am.gate.loading}
    </span>
    <div class="skeleton flow__skeleton-title" />
    <div class="skeleton flow__skeleton" />
  </div>
);
