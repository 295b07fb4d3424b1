// Settings: look, playing, account. Everything takes effect at once; only the account asks the server.

import { createResource, createSignal, For, type JSX, Show } from 'solid-js';
import { logout, renameViewer, viewer } from '../../api/auth';
import { meGet, mePatch } from '../../api/endpoints';
import type { User } from '../../api/wire';
import { Icon } from '../../components/icon';
import { Switch } from '../../components/switch';
import { m } from '../../messages';
import { Link, loginFrom, navigate, routes } from '../../router';
import { changePrefs, prefs, type Theme } from '../../state/prefs';
import { toast, toastError } from '../../state/toasts';
import './settings.css';

const THEMES: Theme[] = ['dark', 'light', 'system'];

export async function logoutHere(): Promise<void> {
  try {
    await logout();
    toast(m.auth.loggedOut);
    navigate(routes.forYou);
  } catch (error) {
    toastError(error);
  }
}

export default function SettingsPage() {
  return (
    <div class="page settings">
      <h1 class="page__title">{m.settings.title}</h1>
      <Group title={m.settings.look}>
        <fieldset class="choice">
          <legend class="visually-hidden">{m.settings.theme}</legend>
          <For each={THEMES}>
            {(theme) => (
              <label class="choice__item">
                <input
                  type="radio"
                  name="theme"
                  class="visually-hidden"
                  checked={prefs().theme === theme}
                  onChange={() => changePrefs({ theme })}
                />
                <span>{m.settings.themes[theme]}</span>
              </label>
            )}
          </For>
        </fieldset>
      </Group>
      <Group title={m.settings.playing}>
        <Switch
          label={m.settings.sound}
          hint={m.settings.soundHint}
          on={!prefs().muted}
          onChange={(on) => changePrefs({ muted: !on })}
        />
        <Switch
          label={m.settings.dataSaver}
          hint={m.settings.dataSaverHint}
          on={prefs().dataSaver}
          onChange={(dataSaver) => changePrefs({ dataSaver })}
        />
      </Group>
      <Group title={m.interests.title}>
        <div class="settings__row">
          <p>{m.interests.lead}</p>
          <Link class="button" href={routes.interests}>
            {m.why.change}
          </Link>
        </div>
      </Group>
      <Group title={m.settings.account}>
        <Show when={viewer()} fallback={<GuestAccount />}>
          <Account />
        </Show>
      </Group>
    </div>
  );
}

export function Group(props: { title: string; children: JSX.Element }) {
  return (
    <section class="settings__group">
      <h2 class="settings__title">{props.title}</h2>
      <div class="card settings__card">{props.children}</div>
    </section>
  );
}

function GuestAccount() {
  return (
    <>
      <p class="page__lead">{m.settings.signedOut}</p>
      <div class="settings__actions">
        <Link class="button button--accent" href={loginFrom(routes.signUp)}>
          {m.signIn.signUp}
        </Link>
        <Link class="button" href={loginFrom()}>
          {m.signIn.login}
        </Link>
      </div>
    </>
  );
}

function Account() {
  const [me] = createResource(meGet);
  return (
    <>
      <Show when={me.state === 'ready' && me()} keyed>
        {(user) => <AccountForm user={user} />}
      </Show>
      <Show when={me.state === 'ready' && me().roles?.includes('admin')}>
        <div class="settings__operator">
          <p>{m.settings.operator}</p>
          <Link class="button" href={routes.flow}>
            <Icon name="flow" size={18} />
            {m.settings.operatorAction}
          </Link>
        </div>
      </Show>
      <button type="button" class="button settings__logout" onClick={() => void logoutHere()}>
        {m.profile.logout}
      </button>
    </>
  );
}

function AccountForm(props: { user: User }) {
  const [name, setName] = createSignal(props.user.displayName);
  const [bio, setBio] = createSignal(props.user.bio);
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      const user = await mePatch({ displayName: name().trim(), bio: bio().trim() });
      renameViewer(user.displayName);
      toast(m.settings.saved);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <form class="settings__form" onSubmit={(event) => void save(event)}>
      <div class="field">
        <label class="field__label" for="display-name">
          {m.settings.displayName}
        </label>
        <input
          id="display-name"
          class="input"
          dir="auto"
          autocomplete="nickname"
          value={name()}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label class="field__label" for="bio">
          {m.settings.bio}
        </label>
        <textarea
          id="bio"
          class="input"
          rows="3"
          dir="auto"
          value={bio()}
          onInput={(event) => setBio(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="button button--accent" disabled={name().trim() === ''}>
        {m.settings.save}
      </button>
    </form>
  );
}
