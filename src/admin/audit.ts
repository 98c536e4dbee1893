import type { EventSink } from '../core/event.ts';

/** The requester of a change, and its address. */
export interface Requester {
  /** 'admin:socket', 'admin:token:<name>', 'admin:session:<name of its token>', 'signal:SIGHUP'. */
  readonly actor: string;
  /** Address and port; null if the request did not come over the network. */
  readonly remote: string | null;
}

export type ActionOutcome = 'done' | 'rejected' | 'failed';

/**
 * Runs an operation that changes the gateway, and emits an event with its outcome in any case. `outcomeOf` says whether it
 * was done; an exception counts as failed, and is rethrown.
 */
export async function audited<T>(
  events: EventSink,
  operation: string,
  requester: Requester,
  act: () => Promise<T>,
  outcomeOf: (result: T) => ActionOutcome = () => 'done',
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

function emitAction(events: EventSink, operation: string, requester: Requester, outcome: ActionOutcome): void {
  const { actor, remote } = requester;
  events.emit({
    kind: 'admin_action',
    subject: 'gateway',
    reason: `${requesterText(requester)} asked for ${operation}; ${outcomeWords[outcome]}.`,
    evidence: { operation, outcome, remote },
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
