// Addresses to pages and back: the browser's history, one signal, one link component. Knows no page.

import { createSignal, type JSX, splitProps } from 'solid-js';

const [path, setPath] = createSignal(location.pathname);
const [search, setSearch] = createSignal(location.search);

export { path, search };

const read = () => {
  setSearch(location.search);
  setPath(location.pathname);
};
addEventListener('popstate', read);

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  history[options.replace ? 'replaceState' : 'pushState'](null, '', to);
  read();
}

type LinkProps = JSX.AnchorHTMLAttributes<HTMLAnchorElement> & { href: string };

/** A link inside the application. Modified clicks (new tab, download) stay with the browser. */
export function Link(props: LinkProps) {
  const [own, rest] = splitProps(props, ['href', 'children']);
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(own.href);
  };
  return (
    <a {...rest} href={own.href} aria-current={path() === own.href ? 'page' : undefined} on:click={follow}>
      {own.children}
    </a>
  );
}

export const routes = {
  forYou: '/',
  following: '/following',
  upload: '/upload',
  login: '/login',
  signUp: '/signup',
  settings: '/settings',
  interests: '/settings/feed',
  flow: '/admin/flow',
  steer: '/admin/steer',
  feedOpen: '/admin/feed',
  profile: (username: string) => `/@${username}`,
  video: (id: string) => `/v/${id}`,
  reach: (id: string) => `/v/${id}/reach`,
};

/** Log in, then come back here. */
export const loginFrom = (page: string = routes.login): string =>
  `${page}?next=${encodeURIComponent(path() + search())}`;

/** Where to go after signing in: only ever a path of this site. */
export function nextPath(): string {
  const next = new URLSearchParams(search()).get('next') ?? '/';
  return next.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/';
}
