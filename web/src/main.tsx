// Starts the application: styles, the silent session refresh, the first page. Nothing else happens at load.

import './design/tokens.css';
import './design/base.css';
import { createEffect, on } from 'solid-js';
import { render } from 'solid-js/web';
import { refresh, viewer, wasSignedIn } from './api/auth';
import { App } from './app';
import { forgetFeeds } from './pages/feed/sources';
import { path } from './router';
import { closeDialog } from './state/dialogs';
import { forgetEngagement } from './state/engagement';
import './state/online';

const root = document.getElementById('app');
if (!root) throw new Error('the page has no #app');

render(() => {
  // Another person, or none: what the last one saw and did leaves the screen.
  createEffect(
    on(
      () => viewer()?.id,
      (now, before) => {
        if (now === before) return;
        forgetEngagement();
        forgetFeeds();
      },
      { defer: true },
    ),
  );
  createEffect(on(path, closeDialog, { defer: true }));
  return <App />;
}, root);

// A guest's first call is the feed; someone who was signed in needs the session first.
if (wasSignedIn()) void refresh();
else setTimeout(() => void refresh(), 0);
