// Whether the server can be reached, from the browser's own word and from every call's outcome. Retries nothing.

import { createSignal } from 'solid-js';
import { setNetworkListener } from '../api/client';

const [online, setOnline] = createSignal(navigator.onLine);

export { online };

addEventListener('online', () => setOnline(true));
addEventListener('offline', () => setOnline(false));
setNetworkListener(setOnline);
