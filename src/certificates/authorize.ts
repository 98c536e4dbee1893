import { failWith, type Result, succeed } from '#failures/result.ts';
import type { Clock } from '../core/time.ts';
import {
  type AcmeAuthorization,
  type AcmeChallenge,
  type ProblemDocument,
  readAuthorization,
} from './acme-documents.ts';
import { type AcmeFailure, acmeFailure, failureOfProblem, malformed } from './acme-failure.ts';
import type { AcmeSession } from './acme-session.ts';
import type { ChallengeKind } from '../core/listener-spec.ts';
import type { ManagedStep } from '../core/managed-tls.ts';
import { type ChallengeResponder, type PreparedChallenge, prepareChallenge } from './challenges.ts';
import type { AccountSigner } from './jws.ts';

/** Asks ourselves what the CA has asked us, after it did not get the right answer. */
export interface ChallengeCheck {
  /** `problemType`: the CA's, without the prefix of RFC 8555; null: it gave none. Null: there is nothing to look at. Never rejects. */
  explain(challenge: PreparedChallenge, problemType: string | null): Promise<ChallengeFinding | null>;
}

export interface ChallengeFinding {
  /** What was seen and from where, a clause. */
  readonly seen: string;
  /** What to do, by what the CA said and what was seen. */
  readonly fix: string;
}

interface Parties {
  readonly session: AcmeSession;
  readonly signer: AccountSigner;
  readonly account: string;
  readonly clock: Clock;
}

interface Means {
  readonly responder: ChallengeResponder;
  readonly check: ChallengeCheck | null;
  readonly onStep: OrderStepListener;
}

/** Called at the beginning of each step of an order. `name` and `challenge`: of the challenge that it is about. */
export type OrderStepListener = (
  step: Exclude<ManagedStep, 'queued' | 'other_process'>,
  name?: string,
  challenge?: ChallengeKind,
) => void;

/** Convinces the CA that the name of an authorization is ours. */
export async function authorize(parties: Parties, means: Means, url: string): Promise<Result<null, AcmeFailure>> {
  const { session, account, signer, clock } = parties;
  const reply = await session.post('authorization', url, account, null);
  if (!reply.ok) return reply;
  const authorization = readAuthorization(reply.value.json);
  if (authorization === null) return failWith(malformed('authorization', url, 'no authorization', reply.value.status));
  if (authorization.status === 'valid') return succeed(null);
  const chosen = choose(authorization, means.responder);
  if (chosen === null) return failWith(noChallenge(url, authorization, means.responder));
  const { challenge, kind } = chosen;
  const { token } = challenge;
  const prepared = prepareChallenge(kind, authorization.name, token, signer.keyAuthorization(token), clock.wallTime());
  try {
    return await answer(parties, means, { url, authorization, challenge, prepared });
  } finally {
    await means.responder.cleanUp(prepared);
  }
}

interface Pending {
  readonly url: string;
  readonly authorization: AcmeAuthorization;
  readonly challenge: AcmeChallenge;
  readonly prepared: PreparedChallenge;
}

async function answer(
  { session, account }: Parties,
  means: Means,
  pending: Pending,
): Promise<Result<null, AcmeFailure>> {
  const { url, authorization, challenge, prepared } = pending;
  means.onStep('challenge', authorization.name, prepared.kind);
  const shown = await means.responder.present(prepared);
  if (!shown.ok) {
    const sentence = `the ${prepared.kind} challenge of ${authorization.name} could not be shown: ${shown.failure}`;
    const fix = 'repair what shows the challenge; the order is repeated later';
    return failWith(acmeFailure('not_presented', 'challenge', url, { sentence, fix }, { name: authorization.name }));
  }
  means.onStep('validation', authorization.name, prepared.kind);
  const started = await session.post('challenge', challenge.url, account, {});
  if (!started.ok) return started;
  const isDone = ({ status }: AcmeAuthorization) => status !== 'pending';
  const judged = await session.poll('authorization', url, account, readAuthorization, isDone);
  if (!judged.ok) return judged;
  if (judged.value.status === 'valid') return succeed(null);
  const { challenges } = judged.value;
  const problem = challenges.find(({ type, error }) => type === prepared.kind && error !== null)?.error ?? null;
  const finding = (await means.check?.explain(prepared, problem?.type ?? null)) ?? null;
  return failWith(challengeFailure(url, judged.value, prepared, problem, { finding, presented: shown.value }));
}

function choose(
  { challenges }: AcmeAuthorization,
  { kinds }: ChallengeResponder,
): { readonly kind: ChallengeKind; readonly challenge: AcmeChallenge } | null {
  for (const kind of kinds) {
    const challenge = challenges.find(({ type, status }) => type === kind && status === 'pending');
    if (challenge !== undefined) return { kind, challenge };
  }
  return null;
}

function noChallenge(
  url: string,
  { name, status, challenges }: AcmeAuthorization,
  { kinds }: ChallengeResponder,
): AcmeFailure {
  const offered = challenges.map(({ type }) => type).join(', ') || 'nothing';
  const sentence = `the CA offers ${offered} for ${name} (${status}), and we can show ${kinds.join(', ') || 'nothing'}`;
  const fix =
    'a name with a wildcard needs dns-01: configure a hook command; otherwise open port 80 or 443 to the gateway';
  return acmeFailure('no_challenge', 'authorization', url, { sentence, fix }, { name });
}

/** First what the CA said, whose view decides; then what was seen from here. */
function challengeFailure(
  url: string,
  { name, status }: AcmeAuthorization,
  { kind }: PreparedChallenge,
  problem: ProblemDocument | null,
  { finding, presented }: { readonly finding: ChallengeFinding | null; readonly presented: string | null },
): AcmeFailure {
  const failure = failureOfProblem('challenge', url, null, problem, null);
  const isFailed = failure.kind === 'rejected' || failure.kind === 'challenge_failed';
  const seen = finding?.seen ?? presented;
  const words = problem?.detail ?? `its authorization is ${status}`;
  const { fix } = failureOfProblem('challenge', url, null, { type: 'incorrectResponse', detail: null, name }, null);
  return {
    ...failure,
    name,
    seen,
    kind: isFailed ? 'challenge_failed' : failure.kind,
    sentence: `the CA did not accept the ${kind} challenge of ${name}: ${words}${seen === null ? '' : `; ${seen}`}`,
    // A CAA record or a limit of the CA is not mended at this machine.
    fix: isFailed ? (finding?.fix ?? (kind === 'dns-01' ? dnsFix : fix)) : failure.fix,
  };
}

const dnsFix =
  'look whether the command of "dns_hook" sets the TXT record at the name servers that the Internet asks for the zone; where they need longer, set a longer "propagation_timeout"';
