import type { EventJson } from '../core/event-json.ts';
import { overlayWords } from './event-words.ts';

/** One line of the audit: an action with all that it changed, or requests that were refused. */
export interface AuditEntry {
  readonly key: string;
  readonly at: string;
  /** As the event has it: 'admin:token:oncall'. */
  readonly actor: string;
  /** What was done or asked for: 'Maintenance switched on for route shop'. */
  readonly what: string;
  readonly result: string;
  readonly isRefused: boolean;
  /** The operation of the admin API; null: the event names none. */
  readonly operation: string | null;
  /** Address and port of the requester; null: none is known. */
  readonly remote: string | null;
}

const operationWords: Readonly<Record<string, string>> = {
  reload: 'Reload of the configuration',
  upgrade: 'Upgrade of the program',
  stop: 'Stop of the gateway',
  openSession: 'Sign-in to the dashboard',
  endSession: 'Sign-out of the dashboard',
  makeLink: 'Link to the dashboard',
  testAlerts: 'Test of the alerts',
  reopenLogs: 'Reopening of the log files',
  maintenance: 'Maintenance',
  pause: 'Pause',
  drain: 'Drain',
  eject: 'Ejection',
  weight: 'Change of weight',
  restore: 'Restore of what the file says',
};

/** Changes come before the event of their action, and are made while it is carried out. */
const actionLastsMs = 10_000;

interface Facts {
  readonly operation?: string | null;
  readonly outcome?: string;
  readonly remote?: string | null;
  /** What a change was asked for, and why it was not made. Earlier gateways do not say it. */
  readonly target?: string;
  readonly why?: string;
  readonly reason?: string;
  readonly count?: number;
}

/** The entries of events of the audit. Both have the newest first. */
export function auditEntries(events: readonly EventJson[]): AuditEntry[] {
  const merged = new Set<EventJson>();
  return events.flatMap((event, index) => {
    if (merged.has(event)) return [];
    if (event.kind === 'admin_refused') return [refusedEntry(event)];
    if (event.kind === 'overlay_changed') return [{ ...entryOf(event), what: overlayWords(event), result: 'done' }];
    const changes = changesOf(event, events.slice(index + 1));
    for (const change of changes) merged.add(change);
    return [actionEntry(event, changes)];
  });
}

/** The changes of the overlay that the action has made. `earlier`: the newest first. */
function changesOf(action: EventJson, earlier: readonly EventJson[]): EventJson[] {
  const { operation, outcome } = action.evidence as Facts;
  if (outcome !== 'done') return [];
  const previous = earlier.findIndex(
    (one) =>
      one.epoch !== action.epoch ||
      (one.actor === action.actor && (one.evidence as Facts).operation === operation) ||
      Date.parse(action.at) - Date.parse(one.at) > actionLastsMs,
  );
  const meanwhile = previous < 0 ? earlier : earlier.slice(0, previous);
  return meanwhile.filter(
    (one) => one.kind === 'overlay_changed' && one.actor === action.actor && isOf(one, operation),
  );
}

function isOf({ subject, evidence }: EventJson, operation: string | null | undefined): boolean {
  const { after = null } = evidence as { readonly after?: unknown };
  return after === null ? operation === 'restore' : subject.split(':')[1] === operation;
}

function actionEntry(event: EventJson, changes: readonly EventJson[]): AuditEntry {
  const { operation = '', outcome, target, why } = event.evidence as Facts;
  const asked = `${operationWords[operation ?? ''] ?? operation}${target === undefined ? '' : ` (${target})`}`;
  const what = changes.length === 0 ? asked : changes.toReversed().map(overlayWords).join('; ');
  const results: Readonly<Record<string, string>> = { done: 'done', rejected: 'nothing was changed', failed: 'failed' };
  const result = results[outcome ?? ''] ?? String(outcome);
  return { ...entryOf(event), what, result: why === undefined ? result : `${result}: ${why}` };
}

function refusedEntry(event: EventJson): AuditEntry {
  const { operation, reason, count = 1 } = event.evidence as Facts;
  // The page asks first who it is: this is how every visit begins.
  const isVisit = operation === 'readSession' && (reason === 'no_token' || reason === 'wrong_session');
  const times = count === 1 ? '' : ` ${count} times`;
  if (isVisit)
    return { ...entryOf(event), what: `Dashboard opened${times} without a session`, result: 'asked to sign in' };
  // The sentence names the address.
  return { ...entryOf(event), what: event.reason, result: 'refused', isRefused: true, remote: null };
}

function entryOf({ epoch, seq, at, actor, evidence }: EventJson): Omit<AuditEntry, 'what' | 'result'> {
  const { operation = null, remote = null } = evidence as Facts;
  return { key: `${epoch}-${seq}`, at, actor, isRefused: false, operation, remote };
}
