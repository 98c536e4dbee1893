/** What came of a request to the admin API. */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** This gateway has no such operation. */
  | { readonly kind: 'not_offered' }
  | { readonly kind: 'signed_out' }
  /** `detail`: one sentence. */
  | { readonly kind: 'problem'; readonly status: number; readonly detail: string; readonly errors: readonly string[] }
  | { readonly kind: 'unreachable' };

type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

/** Asks the admin API that the page came from. */
export class AdminApiClient {
  readonly #fetch: Fetch;
  readonly #onSignedOut: () => void;

  constructor(fetch: Fetch, onSignedOut: () => void) {
    this.#fetch = fetch;
    this.#onSignedOut = onSignedOut;
  }

  /** With a signal that aborts, the answer is `unreachable`, and is not to be looked at. */
  get<T>(
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    signal: AbortSignal | null = null,
  ): Promise<Answer<T>> {
    const given = Object.entries(parameters).filter(([, value]) => value !== '');
    const asked = given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
    return this.#ask(asked, signal === null ? {} : { signal });
  }

  /** `body` is sent as JSON. */
  post<T>(path: string, body: object): Promise<Answer<T>> {
    return this.#ask(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** A wrong token is a problem, and no end of a session. */
  async signIn<T>(token: string): Promise<Answer<T>> {
    const body = JSON.stringify({ token });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
    const answer = await this.#send<T>('/v1/session', init);
    if (answer.kind !== 'signed_out') return answer;
    return { kind: 'problem', status: 401, detail: 'The gateway does not know this token.', errors: [] };
  }

  signOut(): Promise<Answer<null>> {
    return this.#ask('/v1/session', { method: 'DELETE' });
  }

  async #ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const answer = await this.#send<T>(path, init);
    if (answer.kind === 'signed_out') this.#onSignedOut();
    return answer;
  }

  async #send<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    try {
      return await answerOf<T>(await this.#fetch(path, init));
    } catch {
      // No connection, or it ended before the answer was complete.
      return { kind: 'unreachable' };
    }
  }
}

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  if (response.status === 204) return { kind: 'ok', value: null as T };
  if (response.ok) return { kind: 'ok', value: (await response.json()) as T };
  if (response.status === 401) return { kind: 'signed_out' };
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; errors?: readonly string[] };
  // What is not there by its id says so too; pages that name one look at the kind `problem` first.
  if (response.status === 404 && isOperation(response.url)) return { kind: 'not_offered' };
  const detail = problem.detail ?? `The gateway answered ${response.status}.`;
  return { kind: 'problem', status: response.status, detail, errors: problem.errors ?? [] };
}

/** Operations without a name in their path are there, or this gateway does not have them. */
function isOperation(url: string): boolean {
  const [, , second = '', third] = new URL(url, 'http://gateway').pathname.split('/');
  return second !== 'overlay' && third === undefined;
}

/** What a page says where it has no value; '' where it has one. */
export function answerText(answer: Answer<unknown>): string {
  switch (answer.kind) {
    case 'ok':
      return '';
    case 'not_offered':
      return 'This gateway does not offer this.';
    case 'signed_out':
      return 'The session has ended.';
    case 'unreachable':
      return 'The gateway does not answer.';
    case 'problem':
      return [answer.detail, ...answer.errors].join(' ');
  }
}
