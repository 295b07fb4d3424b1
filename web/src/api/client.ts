// The one fetch wrapper: adds the access token, refreshes it once when it is refused, turns every failure into
// an ApiError. Keeps the access token in memory only. Knows no endpoint by name and retries nothing else.

const TIMEOUT_MS = 15_000;

/** A failed call. `status` is 0 when no answer came (offline, timeout); then `code` is `network`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterS?: number,
    readonly requestId?: string,
  ) {
    super(message);
  }

  get isNetwork(): boolean {
    return this.status === 0;
  }
}

let accessToken: string | undefined;
let refresher: (() => Promise<boolean>) | undefined;
let mayBeSignedIn = (): boolean => false;
let networkListener: ((reached: boolean) => void) | undefined;

export const setAccessToken = (token: string | undefined): void => {
  accessToken = token;
};
export const getAccessToken = (): string | undefined => accessToken;

/** Registers what renews the access token, and whether there may be a session before there is a token; `auth.ts` owns both. */
export const setRefresher = (refresh: () => Promise<boolean>, expected: () => boolean): void => {
  refresher = refresh;
  mayBeSignedIn = expected;
};

/** Told after every call whether the server was reached; `state/online.ts` owns it. */
export const setNetworkListener = (listener: (reached: boolean) => void): void => {
  networkListener = listener;
};

export interface CallOptions {
  body?: unknown;
  signal?: AbortSignal;
  /** `false` sends no token and never refreshes: for the auth endpoints themselves. */
  auth?: boolean;
}

/** Calls the API and returns the decoded answer (undefined for 204). Throws ApiError. */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const auth = options.auth !== false;
  let response = await send(method, path, options, auth);
  // At load a page may ask before the silent refresh has brought the token.
  if (response.status === 401 && auth && (accessToken || mayBeSignedIn()) && (await refresher?.())) {
    response = await send(method, path, options, auth);
  }
  if (!response.ok) throw await toError(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

// The first answer gives this browser its guest cookie. Calls made meanwhile wait for it: without the cookie each of
// them would be answered as another guest, and a guest's feed and events belong together.
let introduction: Promise<void> | undefined;
let introduced = false;

async function send(method: string, path: string, options: CallOptions, auth: boolean): Promise<Response> {
  while (!introduced && introduction) await introduction;
  const answer = transmit(method, path, options, auth);
  if (!introduced) {
    introduction = answer.then(
      () => {
        introduced = true;
      },
      () => {
        introduction = undefined;
      },
    );
  }
  return answer;
}

async function transmit(
  method: string,
  path: string,
  options: CallOptions,
  auth: boolean,
): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  const onAbort = () => abort.abort();
  options.signal?.addEventListener('abort', onAbort);
  const headers: Record<string, string> = {};
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (auth && accessToken) headers.authorization = `Bearer ${accessToken}`;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  try {
    const response = await fetch(path, {
      method,
      headers,
      body,
      signal: abort.signal,
      credentials: 'same-origin',
    });
    networkListener?.(true);
    return response;
  } catch (cause) {
    if (!options.signal?.aborted) networkListener?.(false);
    throw new ApiError(0, 'network', cause instanceof Error ? cause.message : 'no answer');
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

async function toError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => undefined)) as
    | { code?: string; message?: string }
    | undefined;
  const retryAfter = Number(response.headers.get('retry-after'));
  return new ApiError(
    response.status,
    body?.code ?? `http_${response.status}`,
    body?.message ?? response.statusText,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined,
    response.headers.get('x-request-id') ?? undefined,
  );
}
