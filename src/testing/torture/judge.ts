import { proxyErrors } from '#failures/proxy-error.ts';
import { acceptable, dangerous, misleading } from './expectations.ts';
import type {
  CauseNamed,
  ConnectionUse,
  Expectation,
  TortureJudgement,
  TortureObservation,
  TortureRequest,
} from './torture-case.ts';

/** The facts that a verdict depends on. */
interface ObservedRun {
  readonly request: TortureRequest;
  readonly on: ConnectionUse;
  readonly expects: Expectation;
  readonly observed: TortureObservation;
}

/**
 * The verdict on one request. Harm to others is judged first, then what the client received. Proxy-Status does not influence
 * it: few gateways send it, and {@link judgeCause} judges it separately.
 */
export function judge(run: ObservedRun): TortureJudgement {
  return judgeHarm(run) ?? judgeEnd(run) ?? judgeAnswer(run);
}

/**
 * Whether the types named in Proxy-Status are right. Null if none was named, or none that names a cause:
 * `destination_unavailable` names no cause, and an unregistered type cannot be checked.
 */
export function judgeCause({ errors }: Expectation, named: readonly string[]): CauseNamed | null {
  if (named.some((name) => errors.some((error) => error === name))) return 'right';
  return named.some((name) => name !== 'destination_unavailable' && Object.hasOwn(proxyErrors, name)) ? 'wrong' : null;
}

/** Harm to other requests, or by sending a request twice; null without harm. */
function judgeHarm({ request, expects, observed }: ObservedRun): TortureJudgement | null {
  if (observed.neighbour === 'mixed_up')
    return dangerous('The next request got an answer that was not its own: answers and requests are out of step.');
  if (observed.strayBytes > 0)
    return dangerous('Bytes follow the answer that no client asked for: its next answer is out of step.');
  if (request.method === 'POST' && observed.originSaw > 1)
    return dangerous(
      `A POST reached the origin ${observed.originSaw} times: it may have been done twice, which RFC 9110 §9.2.2 forbids.`,
    );
  if (expects.poison !== null && observed.poisoned) return expects.poison.judged;
  return null;
}

/** The verdict on an exchange without a complete message; null if it was complete. */
function judgeEnd({ request, on, expects, observed }: ObservedRun): TortureJudgement | null {
  switch (observed.completeness) {
    case 'not_http':
      return dangerous('The client is sent bytes that are no HTTP response, as if they were one.');
    case 'waiting':
      return misleading('The client is still waiting at the time limit, without a response.');
    case 'cut':
      return expects.cut;
    case 'closed':
      if (on === 'reused' && request.method !== 'POST' && expects.closed !== null) return expects.closed;
      return misleading('Closes without an answer: the client cannot tell whose failure it was, nor which.');
    case 'complete':
      return null;
  }
}

function judgeAnswer(run: ObservedRun): TortureJudgement {
  const { expects, observed } = run;
  const base = isOriginAnswer(run) ? expects.passed : judgeGenerated(run);
  if (base.verdict === 'dangerous' || base.verdict === 'misleading') return base;
  if (observed.neighbour === 'failed')
    return misleading('The answer is fine, and the next request pays for it: it failed.');
  const missing = expects.interim.filter((status) => !observed.interim.includes(status));
  if (missing.length > 0 && base.verdict === 'right')
    return acceptable(`The interim answer ${missing.join(', ')} was dropped; RFC 9110 §15.2 asks to forward it.`);
  return base;
}

/** The origin's own response arrived completely. */
function isOriginAnswer({ expects: { answers }, observed }: ObservedRun): boolean {
  return answers.some(({ status, body }) => status === observed.status && body === observed.body);
}

function judgeGenerated({ request, expects, observed }: ObservedRun): TortureJudgement {
  const status = observed.status ?? 0;
  if (status === 101 && request.upgrade !== true)
    return dangerous(
      'A 101 came to a client that had not asked for it: what follows is no HTTP, and no other protocol.',
    );
  if (status < 400) {
    if (expects.right.length === 0) return dangerous(`A whole ${status} came, and it is not the origin's answer.`);
    return dangerous(`A whole ${status} came where ${expects.cause}: the client takes it for good, and keeps it.`);
  }
  if (expects.right.length === 0) return judgeReplaced(expects, observed, status);
  return judgeStatus(expects, status);
}

/** The gateway replaced a successful response by one of its own. */
function judgeReplaced({ answers }: Expectation, { body }: TortureObservation, status: number): TortureJudgement {
  if (answers.some((answer) => answer.status === status))
    return misleading(
      body === ''
        ? `The status is the origin's ${status}, and its page is gone.`
        : `The status is the origin's ${status}, and its page was replaced: the origin seems to have said it.`,
    );
  return misleading(`The origin's answer was good, and the client is told ${status}.`);
}

function judgeStatus({ right, acceptable: defensible, cause }: Expectation, status: number): TortureJudgement {
  if (right.includes(status)) return { verdict: 'right', why: `A ${status} is the right answer.` };
  if (defensible.includes(status))
    return acceptable(`A ${status} can be defended; ${right.join(' or ')} says more exactly that ${cause}.`);
  return misleading(`A ${status} says ${meaning(status)}; in truth ${cause}.`);
}

/** How a client must interpret a status, after RFC 9110 §15. */
function meaning(status: number): string {
  if (status === 500) return 'that the gateway itself made a mistake';
  if (status === 502) return 'that an invalid answer came';
  if (status === 503) return 'that the service is overloaded or being maintained';
  if (status === 504) return 'that no answer came in time';
  return status < 500 ? 'that the client made a mistake' : 'something else';
}
