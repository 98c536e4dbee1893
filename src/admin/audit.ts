import type { EventSink } from '../core/event.ts';

/** Who has the gateway change something, and from where. */
export interface Requester {
  /** 'admin:socket', 'admin:token:<name>', 'signal:SIGHUP'. */
  readonly actor: string;
  /** Address and port; null where it came over no network. */
  readonly remote: string | null;
}

export type ActionOutcome = 'done' | 'rejected' | 'failed';

/**
 * Carries out something that changes the gateway, and tells of it whatever comes of it. `outcomeOf` says whether it
 * was done; what throws has failed, and goes on to the caller.
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

/** In words that no reader, and no program that takes out secrets, takes for a token. */
function requesterText({ actor, remote }: Requester): string {
  const [way, what, name] = actor.split(':');
  const from = remote === null ? '' : ` at ${remote}`;
  if (way === 'signal') return what ?? actor;
  return name === undefined ? `Somebody at the admin ${what ?? 'API'}${from}` : `Who has the token of ${name}${from}`;
}
