import type { OverlayAction } from '../core/event.ts';
import type { EventJson } from '../core/event-json.ts';
import { overlayEntryWords, overlayWords } from './event-words.ts';

/** One line of the audit: an action with all that it changed, or requests that were refused. */
interface AuditEntry {
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
  acknowledgeIncident: 'Acknowledgement',
  muteIncident: 'Mute',
  reopenLogs: 'Reopening of the log files',
  maintenance: 'Maintenance',
  pause: 'Pause',
  drain: 'Drain',
  eject: 'Ejection',
  weight: 'Change of weight',
  restartInstance: 'Restart of an instance',
  restore: 'Restore of what the file says',
  deploy: 'Deployment of a release',
  promoteRelease: 'Promotion of a release',
  abortRollout: 'End of a rollout',
  rollBack: 'Rollback',
};

/** What events of the audit have in their evidence. */
interface AuditEvidence {
  readonly operation?: string | null;
  readonly outcome?: string;
  readonly remote?: string | null;
  /** What a change was asked for, and why it was not made. */
  readonly target?: string;
  readonly why?: string;
  /** What an action has changed of the overlay. */
  readonly overlay?: OverlayAction;
  /** Of the overlay, with a change. */
  readonly revision?: number;
  readonly reason?: string;
  readonly count?: number;
}

/** The entries of events of the audit. Both have the newest first. A change of the overlay that an action names has no entry of its own. */
export function auditEntries(events: readonly EventJson[]): AuditEntry[] {
  const named = new Set(events.map(overlayRevisionOf));
  return events.flatMap((event) => {
    if (event.kind === 'admin_refused') return [refusedEntry(event)];
    if (event.kind !== 'overlay_changed') return [actionEntry(event)];
    const { revision } = event.evidence as AuditEvidence;
    if (named.has(revisionKey(event, revision))) return [];
    return [{ ...entryOf(event), what: overlayWords(event), result: 'done' }];
  });
}

/** Null: the event is no action that has changed the overlay. */
function overlayRevisionOf(event: EventJson): string | null {
  const { overlay } = event.evidence as AuditEvidence;
  return overlay === undefined ? null : revisionKey(event, overlay.revision);
}

/** Each process counts by itself unless the overlay is kept. */
function revisionKey({ epoch }: EventJson, revision: number | undefined): string {
  return `${epoch}-${revision}`;
}

function actionEntry(event: EventJson): AuditEntry {
  const { operation = '', outcome, target, why, reason, overlay } = event.evidence as AuditEvidence;
  const because = reason === undefined ? '' : `: ${reason}`;
  const asked = `${operationWords[operation ?? ''] ?? operation}${target === undefined ? '' : ` (${target})`}${because}`;
  const changes = overlay?.entries.map(({ id, after }) => overlayEntryWords(`overlay:${id}`, after) ?? asked) ?? [];
  const what = changes.length === 0 ? asked : changes.join('; ');
  const results: Readonly<Record<string, string>> = { done: 'done', rejected: 'nothing was changed', failed: 'failed' };
  const result = results[outcome ?? ''] ?? String(outcome);
  return { ...entryOf(event), what, result: why === undefined ? result : `${result}: ${why}` };
}

function refusedEntry(event: EventJson): AuditEntry {
  const { operation, reason, count = 1 } = event.evidence as AuditEvidence;
  // The page asks first who it is: this is how every visit begins.
  const isVisit = operation === 'readSession' && (reason === 'no_token' || reason === 'wrong_session');
  const times = count === 1 ? '' : ` ${count} times`;
  if (isVisit)
    return { ...entryOf(event), what: `Dashboard opened${times} without a session`, result: 'asked to sign in' };
  // The sentence names the address.
  return { ...entryOf(event), what: event.reason, result: 'refused', isRefused: true, remote: null };
}

function entryOf({ epoch, seq, at, actor, evidence }: EventJson): Omit<AuditEntry, 'what' | 'result'> {
  const { operation = null, remote = null } = evidence as AuditEvidence;
  return { key: `${epoch}-${seq}`, at, actor, isRefused: false, operation, remote };
}
