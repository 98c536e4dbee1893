import type { EventSink, OverlayAction } from '../core/event.ts';

/** The requester of a change, and its address. */
export interface Requester {
  /** 'admin:socket', 'admin:token:<name>', 'admin:session:<name of its token>', 'signal:SIGHUP'. */
  readonly actor: string;
  /** Address and port; null if the request did not come over the network. */
  readonly remote: string | null;
}

/** What has come of a request. */
export interface ActionResult {
  readonly outcome: 'done' | 'rejected' | 'failed';
  /** Why nothing was changed, one sentence; null: it was, or the answer alone says why. */
  readonly why: string | null;
  /** What was changed of the overlay; null: nothing. */
  readonly overlay: OverlayAction | null;
}

export const doneAction: ActionResult = { outcome: 'done', why: null, overlay: null };
export const rejectedAction: ActionResult = { outcome: 'rejected', why: null, overlay: null };
const failedAction: ActionResult = { outcome: 'failed', why: null, overlay: null };

/** What is requested. */
interface AuditedOperation {
  readonly id: string;
  /** The route, upstream or endpoint as the requester names it; null: it names none. */
  readonly target: string | null;
  /** Why, in the words of the requester; absent: none were given. */
  readonly reason?: string;
}

/**
 * Runs an operation that changes the gateway, and emits an event with its outcome in any case. `resultOf` says whether it
 * was done; an exception counts as failed, and is rethrown.
 */
export async function audited<T>(
  events: EventSink,
  operation: AuditedOperation,
  requester: Requester,
  act: () => Promise<T>,
  resultOf: (result: T) => ActionResult = () => doneAction,
): Promise<T> {
  try {
    const result = await act();
    emitAction(events, operation, requester, resultOf(result));
    return result;
  } catch (error) {
    emitAction(events, operation, requester, failedAction);
    throw error;
  }
}

const outcomeWords: Readonly<Record<ActionResult['outcome'], string>> = {
  done: 'it was done',
  rejected: 'nothing was changed',
  failed: 'it failed',
};

function emitAction(
  events: EventSink,
  { id, target, reason }: AuditedOperation,
  requester: Requester,
  { outcome, why, overlay }: ActionResult,
): void {
  const { actor, remote } = requester;
  const what = `${id}${target === null ? '' : ` (${target})`}`;
  const end = why === null ? '.' : `: ${why}`;
  events.emit({
    kind: 'admin_action',
    subject: 'gateway',
    reason: `${requesterText(requester)} asked for ${what}${reason === undefined ? '' : ` ("${reason}")`}; ${outcomeWords[outcome]}${end}`,
    evidence: {
      ...{ operation: id, outcome, remote },
      ...(target === null ? {} : { target }),
      ...(why === null ? {} : { why }),
      ...(reason === undefined ? {} : { reason }),
      ...(overlay === null ? {} : { overlay }),
    },
    actor,
  });
}

/** Names the requester in words that no redactor takes for a token. */
function requesterText({ actor, remote }: Requester): string {
  const [way, what, name] = actor.split(':');
  const from = remote === null ? '' : ` at ${remote}`;
  if (way === 'signal') return what ?? actor;
  if (what === 'session' && name === undefined) return `A browser with a session of the admin socket${from}`;
  return name === undefined
    ? `A requester at the admin ${what ?? 'API'}${from}`
    : `The holder of the token ${name}${from}`;
}
