import type { EventSink } from '../core/event.ts';

/** The requester of a change, and its address. */
export interface Requester {
  /** 'admin:socket', 'admin:token:<name>', 'admin:session:<name of its token>', 'signal:SIGHUP'. */
  readonly actor: string;
  /** Address and port; null if the request did not come over the network. */
  readonly remote: string | null;
}

export type ActionOutcome = 'done' | 'rejected' | 'failed';

/** A request that changed nothing, and why: one sentence. */
export interface RejectedAction {
  readonly outcome: 'rejected';
  readonly why: string;
}

/** What is requested. */
export interface AuditedOperation {
  readonly id: string;
  /** The route, upstream or endpoint as the requester names it; null: it names none. */
  readonly target: string | null;
}

/**
 * Runs an operation that changes the gateway, and emits an event with its outcome in any case. `outcomeOf` says whether it
 * was done; an exception counts as failed, and is rethrown.
 */
export async function audited<T>(
  events: EventSink,
  operation: string | AuditedOperation,
  requester: Requester,
  act: () => Promise<T>,
  outcomeOf: (result: T) => ActionOutcome | RejectedAction = () => 'done',
): Promise<T> {
  try {
    const result = await act();
    emitAction(events, operation, requester, outcomeOf(result));
    return result;
  } catch (error) {
    emitAction(events, operation, requester, 'failed');
    throw error;
  }
}

const outcomeWords: Readonly<Record<ActionOutcome, string>> = {
  done: 'it was done',
  rejected: 'nothing was changed',
  failed: 'it failed',
};

function emitAction(
  events: EventSink,
  operation: string | AuditedOperation,
  requester: Requester,
  result: ActionOutcome | RejectedAction,
): void {
  const { actor, remote } = requester;
  const { id, target } = typeof operation === 'string' ? { id: operation, target: null } : operation;
  const { outcome, why } = typeof result === 'string' ? { outcome: result, why: null } : result;
  const what = `${id}${target === null ? '' : ` (${target})`}`;
  const end = why === null ? '.' : `: ${why}`;
  events.emit({
    kind: 'admin_action',
    subject: 'gateway',
    reason: `${requesterText(requester)} asked for ${what}; ${outcomeWords[outcome]}${end}`,
    evidence: {
      ...{ operation: id, outcome, remote },
      ...(target === null ? {} : { target }),
      ...(why === null ? {} : { why }),
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
