// The frame around every page: navigation rail or bottom bar, offline bar, toasts. Pages fill the middle.

import { For, type JSX, Show } from 'solid-js';
import { isOperator } from '../admin/operator';
import { viewer } from '../api/auth';
import { m } from '../messages';
import { Link, loginFrom, path, routes } from '../router';
import { online } from '../state/online';
import { closeToast, type Toast, toasts } from '../state/toasts';
import { Avatar } from './avatar';
import { Icon, type IconName, Mark } from './icon';
import './shell.css';

const profileHref = (): string => {
  const me = viewer();
  return me ? routes.profile(me.username) : loginFrom();
};

export function Shell(props: { over: boolean; children: JSX.Element }) {
  return (
    <div class="shell" classList={{ 'is-over': props.over }}>
      <a class="skip" href="#main">
        {m.nav.skip}
      </a>
      <SideRail />
      <main class="shell__main" id="main">
        {props.children}
      </main>
      <BottomBar />
      <Show when={!online()}>
        <p class="offline" role="status">
          <Icon name="cloudOff" size={16} />
          {m.feed.offline}
        </p>
      </Show>
      <div class="toasts" role="status" aria-live="polite">
        <For each={toasts()}>{(toast) => <ToastLine toast={toast} />}</For>
      </div>
    </div>
  );
}

function ToastLine(props: { toast: Toast }) {
  const act = () => {
    props.toast.action?.run();
    closeToast(props.toast.id);
  };
  return (
    <p class="toast">
      {props.toast.text}
      <Show when={props.toast.action}>
        {(action) => (
          <button type="button" class="toast__action" onClick={act}>
            {action().label}
          </button>
        )}
      </Show>
    </p>
  );
}

function SideRail() {
  return (
    <nav class="side" aria-label={m.nav.label}>
      <Link href={routes.forYou} class="side__brand" aria-label={m.appName}>
        <Mark size={36} />
        <span>{m.appName}</span>
      </Link>
      <SideLink href={routes.forYou} icon="home" text={m.nav.forYou} />
      <SideLink href={routes.following} icon="people" text={m.nav.following} />
      <SideLink href={routes.upload} icon="upload" text={m.nav.upload} />
      <Show when={viewer()}>
        <SideLink href={profileHref()} icon="user" text={m.nav.profile} />
      </Show>
      <SideLink href={routes.settings} icon="gear" text={m.nav.settings} />
      <Show when={isOperator()}>
        <SideLink href={routes.flow} icon="flow" text={m.nav.flow} />
        <SideLink href={routes.steer} icon="steer" text={m.nav.steer} />
        <SideLink href={routes.feedOpen} icon="flow" text={m.nav.feedOpen} />
      </Show>
      <div class="side__foot">
        <Show
          when={viewer()}
          keyed
          fallback={
            <>
              <p class="side__about">{m.nav.about}</p>
              <Link class="button button--accent button--wide" href={loginFrom()}>
                {m.nav.login}
              </Link>
            </>
          }
        >
          {(me) => (
            <Link class="side__me" href={profileHref()}>
              <Avatar id={me.id} name={me.displayName} size={36} />
              <span class="side__me-name">
                <bdi>{me.displayName}</bdi>
              </span>
            </Link>
          )}
        </Show>
      </div>
    </nav>
  );
}

function SideLink(props: { href: string; icon: IconName; text: string }) {
  return (
    <Link class="side__link" href={props.href}>
      <Icon name={props.icon} filled={props.icon === 'home' && path() === props.href} />
      <span>{props.text}</span>
    </Link>
  );
}

function BottomBar() {
  const isProfile = () => path() === profileHref();
  const isHome = () => path() === routes.forYou || path() === routes.following;
  return (
    <nav class="bar" aria-label={m.nav.label}>
      <Link href={routes.forYou} class="bar__link" classList={{ 'is-here': isHome() }}>
        <Icon name="home" filled={isHome()} />
        <span>{m.nav.home}</span>
      </Link>
      <Link href={routes.upload} class="bar__plus" aria-label={m.nav.upload}>
        <span>
          <Icon name="plus" />
        </span>
      </Link>
      <Link href={profileHref()} class="bar__link" classList={{ 'is-here': isProfile() }}>
        <Icon name="user" filled={isProfile()} />
        <span>{viewer() ? m.nav.profile : m.nav.login}</span>
      </Link>
    </nav>
  );
}
