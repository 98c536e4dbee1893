import { specOfCause } from '#failures/failure-texts.ts';
import { familyOfCause, isCause } from './failure-family.ts';
import { percent, shareText, shareOf, type SuspectContext, type SuspectFinding } from './suspect-facts.ts';
import { logsOf } from './suspected-clients.ts';

const shareMin = 0.5;
/** Behind a new configuration, and whatever shows itself. */
const fit = 0.45;

/** What the gateway demands of those who enter. */
const ofEntry: ReadonlySet<string> = new Set(['not_authenticated', 'login_failed', 'not_permitted', 'link_refused']);

/** The cause of most requests that the gateway refuses for what their clients have sent, which is no incident by itself; null: it refuses no such. */
function refusedBy({ incident }: SuspectContext): string | null {
  const { cause } = incident;
  if (cause === null || !isCause(cause) || familyOfCause(cause) !== null || specOfCause(cause).whose !== 'client')
    return null;
  return shareOf(incident, new Set([cause])) < shareMin ? null : cause;
}

const evidenceOf = ({ incident }: SuspectContext, cause: string): readonly string[] => [
  shareText(incident, new Set([cause as never])),
  'as many of the requests that were served before are missing',
];

/** Clients that the gateway has let in are refused from some moment on, though its configuration is as before. */
export function changedCredentials(context: SuspectContext): SuspectFinding | null {
  const cause = refusedBy(context);
  if (cause === null || !ofEntry.has(cause)) return null;
  return {
    fit,
    sentence:
      'The gateway refuses clients that it let in before: what their tokens, passwords or links are made with has changed, or they are no longer sent.',
    evidence: evidenceOf(context, cause),
    nextStep:
      'See in `candor logs` for one of them what the gateway says of it, and compare what signs the tokens, and its keys, with `authentication` of the route.',
  };
}

/** The same of what it demands of the form of a request: its size, its headers, how many there are. */
export function metLimits(context: SuspectContext): SuspectFinding | null {
  const cause = refusedBy(context);
  if (cause === null || ofEntry.has(cause)) return null;
  return {
    fit,
    sentence:
      'The gateway refuses requests of clients that it served before: what they send has changed, and meets a limit or a rule of the gateway.',
    evidence: evidenceOf(context, cause),
    nextStep:
      'See in `candor logs` for one of them which rule it breaks, and what has changed in what clients send, such as longer cookies or larger bodies; raise the limit only if they need it.',
  };
}

/** One client has nearly all of them: a proxy that has begun to stand before the gateway, or a partner who has moved. */
export function refusedNewcomer(context: SuspectContext): SuspectFinding | null {
  const { refusedClient, watched } = context;
  if (refusedClient === null || refusedBy(context) === null) return null;
  const { client, share } = refusedClient;
  return {
    fit: 0.85,
    sentence: `Nearly all requests that the gateway refuses come from one client, ${client}.`,
    evidence: [`${client} has ${percent(share)} of the refused requests`],
    nextStep: `See with ${logsOf(client, watched)} who it is. If it is a proxy before the gateway, name it in \`trusted_peers\`, so that each client counts for itself; if a client of yours has moved to this address, allow it where the old one is allowed.`,
  };
}
