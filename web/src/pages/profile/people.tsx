// Followers or followed people of a profile, in a sheet.

import { createResource, createSignal, For, Show } from 'solid-js';
import { userPeople } from '../../api/endpoints';
import type { User } from '../../api/wire';
import { Avatar } from '../../components/avatar';
import { Sheet } from '../../components/sheet';
import { m } from '../../messages';
import { Link, routes } from '../../router';
import { toastError } from '../../state/toasts';

export function People(props: { user: User; list: 'followers' | 'following'; onClose: () => void }) {
  const [people, setPeople] = createSignal<User[]>([]);
  const [cursor, setCursor] = createSignal<string | null>(null);
  const [loading, { refetch }] = createResource(async () => {
    try {
      const page = await userPeople(props.user.id, props.list, cursor());
      setPeople((known) => [...known, ...page.items]);
      setCursor(page.cursor);
    } catch (error) {
      toastError(error);
    }
    return true;
  });
  return (
    <Sheet
      title={props.list === 'followers' ? m.profile.followers : m.profile.following}
      tall
      onClose={props.onClose}
    >
      <div class="menu">
        <For
          each={people()}
          fallback={<p class="people__empty">{loading.state === 'ready' ? m.profile.peopleEmpty : ''}</p>}
        >
          {(person) => (
            <Link class="menu__item" href={routes.profile(person.username)}>
              <Avatar id={person.id} name={person.displayName} />
              <span class="people__name">
                <bdi>{person.displayName}</bdi>
                <span class="field__hint">@{person.username}</span>
              </span>
            </Link>
          )}
        </For>
        <Show when={cursor()}>
          <button type="button" class="button button--quiet button--wide" onClick={() => void refetch()}>
            {m.profile.more}
          </button>
        </Show>
      </div>
    </Sheet>
  );
}
