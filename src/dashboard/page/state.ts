import { computed, effect, signal } from '@preact/signals';
import { AdminApiClient } from '../api.ts';
import { type Connection, StatusFollower } from '../status-follower.ts';
import type { SessionJson, StatusJson } from '../model.ts';
import type { OperatorAction } from '../operator-actions.ts';
import { overallState } from '../overall-state.ts';
import { addressHash, type PageAddress, type PageId, parseAddress } from '../page-address.ts';
import { pageClock } from '../system.ts';

/** What all pages share. Components read the signals, and are drawn again when these change. */

export const status = signal<StatusJson | null>(null);
export const connection = signal<Connection>({ kind: 'connecting' });
const isStale = computed(() => connection.value.kind === 'stale');
export const state = computed(() => overallState(status.value, isStale.value));

/** Null: not known yet, or there is none. */
export const session = signal<SessionJson | null>(null);
/** Whether the gateway was asked for the session: before that, nothing else is. */
export const isAsked = signal(false);
export const mayOperate = computed(() => session.value?.role !== 'read');

export const address = signal<PageAddress>(parseAddress(location.hash));
/** Milliseconds since the Unix epoch, a second at a time. */
export const now = signal(pageClock.wallTime());
/** What a screen reader says. */
export const announcement = signal('');
export const isHelpShown = signal(false);
/** The field of the search gets the focus as soon as it is there. */
export const isSearchWanted = signal(false);
/** The action that a person is asked to confirm; null: none. */
export const askedAction = signal<OperatorAction | null>(null);
/** Grows when an action was done, so that pages ask again. */
export const actionsDone = signal(0);

export const api = new AdminApiClient(
  (path, init) => fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store' }),
  () => {
    connection.value = { kind: 'signed_out' };
  },
);

const live = new StatusFollower({
  fetch: (path, init) => fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store' }),
  clock: pageClock,
  onStatus: (next) => {
    status.value = next;
  },
  onConnection: (next) => {
    connection.value = next;
  },
});

export function go(page: PageId, id = '', parameters: Readonly<Record<string, string>> = {}): void {
  location.hash = addressHash(page, id, parameters);
  // The event comes later, and so would what is typed next come to the page before.
  address.value = parseAddress(location.hash);
}

/** Starts to follow the gateway: when the page is opened, and after each login. Without a session it asks for nothing else. */
export async function follow(): Promise<void> {
  live.stop();
  const answer = await api.get<SessionJson>('/v1/session');
  session.value = answer.kind === 'ok' ? answer.value : null;
  isAsked.value = true;
  if (answer.kind === 'signed_out') return;
  live.start();
}

export function startPage(): void {
  addEventListener('hashchange', () => {
    address.value = parseAddress(location.hash);
  });
  const tick = (): void => {
    now.value = pageClock.wallTime();
    pageClock.after(1000, tick);
  };
  tick();
  void follow();
  announceChanges();
}

/** Says when the state changes, and when incidents open and end; the title of the window has the state too. */
function announceChanges(): void {
  let [before, incidents] = ['', new Map<number, string>()];
  effect(() => {
    const { word, reason } = state.value;
    const open = new Map((status.value?.incidents ?? []).map(({ id, title }) => [id, title]));
    const opened = [...open].filter(([id]) => !incidents.has(id)).map(([, title]) => `Incident: ${title}.`);
    const ended = [...incidents].filter(([id]) => !open.has(id)).map(([, title]) => `No more failures: ${title}.`);
    const changed = before !== '' && before !== word ? [`${word}. ${reason}`] : [];
    if (opened.length + ended.length + changed.length > 0)
      announcement.value = [...opened, ...ended, ...changed].join(' ');
    document.title = `${state.value.tone === 'good' ? '' : `${word} · `}${status.value?.deployment ?? 'Candor'}`;
    [before, incidents] = [word, open];
  });
}
