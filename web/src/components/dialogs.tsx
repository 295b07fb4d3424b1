// The dialogs that any page may open: sign-in prompt, video menu with report and reason, keyboard help.

import { createSignal, For, Match, Show, Switch } from 'solid-js';
import { viewer } from '../api/auth';
import { videoEngage } from '../api/endpoints';
import { KEYS } from '../gestures/keys';
import { m } from '../messages';
import { Link, loginFrom, routes } from '../router';
import { type Actions, RATES, shareVideo } from '../stage/actions';
import { askSignIn, closeDialog, type Dialog, dialog, openDialog, type SignInReason } from '../state/dialogs';
import { isWide } from '../state/prefs';
import { toast, toastError } from '../state/toasts';
import { Icon, type IconName } from './icon';
import { Sheet } from './sheet';
import { TuneSheet } from './tune';
import { WhySheet } from './why';

type Of<Kind extends Dialog['kind']> = Extract<Dialog, { kind: Kind }>;

/** Shows the open dialog, if any. `actions` are the stage's, where there is a stage. */
export function Dialogs(props: { actions?: Actions }) {
  const open = <Kind extends Dialog['kind']>(kind: Kind) => {
    const current = dialog();
    return current?.kind === kind ? (current as Of<Kind>) : undefined;
  };
  return (
    <Switch>
      <Match when={open('sign-in')} keyed>
        {(shown) => <SignInPrompt reason={shown.reason} />}
      </Match>
      <Match when={open('menu')} keyed>
        {(shown) => <VideoMenu dialog={shown} actions={props.actions} />}
      </Match>
      <Match when={open('tune')} keyed>
        {(shown) => <TuneSheet item={shown.item} onChanged={shown.onChanged} />}
      </Match>
      <Match when={open('why')} keyed>
        {(shown) => <WhySheet item={shown.item} />}
      </Match>
      <Match when={open('help')}>
        <KeyHelp />
      </Match>
    </Switch>
  );
}

function SignInPrompt(props: { reason: SignInReason }) {
  return (
    <Sheet title={m.signIn.title(m.signIn[props.reason])} onClose={closeDialog}>
      <div class="sheet__scroll">
        <p class="notice__text">{m.signIn.text}</p>
        <div class="notice__actions">
          <Link class="button button--accent" href={loginFrom(routes.signUp)}>
            {m.signIn.signUp}
          </Link>
          <Link class="button" href={loginFrom()}>
            {m.signIn.login}
          </Link>
        </div>
      </div>
    </Sheet>
  );
}

function VideoMenu(props: { dialog: Of<'menu'>; actions?: Actions | undefined }) {
  const [reporting, setReporting] = createSignal(false);
  const item = () => props.dialog.item;
  const then = (work: () => void) => () => {
    closeDialog();
    work();
  };
  return (
    <Sheet title={reporting() ? m.menu.reportTitle : m.menu.title} onClose={closeDialog}>
      <Show when={!reporting()} fallback={<ReportReasons videoId={item().video.id} />}>
        <div class="menu">
          <Show when={item().reason.text}>
            <button type="button" class="menu__why" onClick={() => openDialog({ kind: 'why', item: item() })}>
              <Icon name="why" />
              <span>
                <span class="menu__why-title">{m.menu.why}</span>
                <span>{item().reason.text}</span>
              </span>
            </button>
          </Show>
          <MenuItem
            icon="notInterested"
            text={m.menu.notInterested}
            onClick={then(() => props.dialog.onNotInterested())}
          />
          <MenuItem
            icon="gear"
            text={m.tune.entry}
            onClick={() =>
              openDialog({ kind: 'tune', item: item(), onChanged: () => props.dialog.onChanged() })
            }
          />
          <MenuItem icon="link" text={m.menu.copyLink} onClick={then(() => void shareVideo(item()))} />
          <Show when={props.actions} keyed>
            {(actions) => <SpeedChoice actions={actions} />}
          </Show>
          <MenuItem
            icon="flag"
            text={m.menu.report}
            onClick={() => (viewer() ? setReporting(true) : askSignIn('report'))}
          />
          <Show when={isWide()}>
            <MenuItem icon="keyboard" text={m.menu.keys} onClick={() => openDialog({ kind: 'help' })} />
          </Show>
        </div>
      </Show>
    </Sheet>
  );
}

export function MenuItem(props: { icon: IconName; text: string; onClick: () => void }) {
  return (
    <button type="button" class="menu__item" onClick={() => props.onClick()}>
      <Icon name={props.icon} />
      {props.text}
    </button>
  );
}

function SpeedChoice(props: { actions: Actions }) {
  return (
    <fieldset class="menu__item menu__speed">
      <legend class="visually-hidden">{m.menu.speed}</legend>
      <Icon name="speed" />
      <span aria-hidden="true">{m.menu.speed}</span>
      <span class="menu__rates">
        <For each={RATES}>
          {(rate) => (
            <button
              type="button"
              class="menu__rate"
              aria-pressed={props.actions.rate() === rate}
              onClick={() => props.actions.setRate(rate)}
            >
              {m.menu.speedValue(rate)}
            </button>
          )}
        </For>
      </span>
    </fieldset>
  );
}

function ReportReasons(props: { videoId: string }) {
  const send = async (reason: string) => {
    closeDialog();
    try {
      await videoEngage(props.videoId, 'report', { reason });
      toast(m.menu.reportDone);
    } catch (error) {
      toastError(error, m.menu.reportFailed);
    }
  };
  return (
    <div class="menu">
      <For each={Object.entries(m.menu.reasons)}>
        {([code, text]) => <MenuItem icon="flag" text={text} onClick={() => void send(code)} />}
      </For>
    </div>
  );
}

function KeyHelp() {
  const commands = () =>
    Object.entries(m.help.commands).map(([command, text]) => ({
      text,
      keys: Object.keys(KEYS).filter((key) => KEYS[key] === command),
    }));
  return (
    <Sheet title={m.help.title} onClose={closeDialog}>
      <div class="sheet__scroll">
        <dl class="keys">
          <For each={commands()}>
            {(row) => (
              <>
                <dt>
                  <For each={row.keys}>{(key) => <kbd>{m.help.keyNames[key] ?? key.toUpperCase()}</kbd>}</For>
                </dt>
                <dd>{row.text}</dd>
              </>
            )}
          </For>
        </dl>
      </div>
    </Sheet>
  );
}
