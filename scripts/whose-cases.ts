/** Cases of a cause for which the failure table names another party (`whose`) than for the cause in general, for docs/failures.md. */
import type { CaseTexts, FailureSpec } from '#failures/failure-spec.ts';
import { specOf } from '#failures/failure-texts.ts';
import type { Cause, Failure } from '#failures/failure.ts';

interface WhoseCase {
  /** A clause that begins with a preposition. */
  readonly when: string;
  /** What makes the case; null: the texts are those of another cause. */
  readonly evidence: object | null;
  /** It is a case of applications that Candor runs. */
  readonly supervised?: true;
}

/** `packages/failures/src/failure-table.test.ts` finds a case that is missing here. */
const whoseCases: Partial<Record<Cause, readonly WhoseCase[]>> = {
  response_body_stalled: [{ when: 'with `request_open`', evidence: { requestOpen: true } }],
  exchange_timeout: [
    { when: 'with `queued_ms`', evidence: { queuedMs: 3000 } },
    { when: 'with `over_at_start`', evidence: { overAtStart: true } },
  ],
  loop_detected: [{ when: 'where `passage` is more than `limit`', evidence: { passage: 5, limit: 4 } }],
  pool_full: [{ when: 'with `stopped_pids`', evidence: { stoppedPids: '77 78' } }],
  queue_timeout: [{ when: 'with `stopped_pids`', evidence: { stoppedPids: '77 78' } }],
  tunnel_idle: [{ when: 'where `silent` is `client`', evidence: { silent: 'client' } }],
  response_not_http: [
    { when: 'with `answered_before`', evidence: { answeredBefore: 2 } },
    { when: 'with `answered_between` alone', evidence: { answeredBetween: 3 } },
    { when: 'without either, from an application that Candor runs', evidence: {}, supervised: true },
  ],
  connect_reset: [{ when: 'from an application that Candor runs', evidence: {}, supervised: true }],
  no_endpoint_ready: [
    { when: 'with `endpoint_cause`', evidence: null },
    { when: 'with `drained`', evidence: { drained: 'drain:ENDPOINT' } },
  ],
  too_many_connections_from_address: [{ when: 'where `is_private` is true', evidence: { isPrivate: true } }],
  script_not_found: [
    { when: 'where `why` is `outside`', evidence: { why: 'outside' } },
    { when: 'where `why` is `unreadable`', evidence: { why: 'unreadable' } },
  ],
  request_refused: [{ when: 'where `rule` is `proxy-protocol`', evidence: { rule: 'proxy-protocol' } }],
};

/** Stands for the name of an application in next steps. */
const application = 'APPLICATION';

const casesOf = (cause: Cause): readonly WhoseCase[] => whoseCases[cause] ?? [];

function specIn(cause: Cause, { evidence, supervised }: WhoseCase): FailureSpec<Cause> {
  const failure = { cause, stage: 'response', evidence } as unknown as Failure;
  return specOf(failure, supervised === true ? application : null);
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Of all cases, for the table: 'operator or application'. */
export function whoseOfCause(cause: Cause, general: string): string {
  const others = casesOf(cause).map((one) =>
    one.evidence === null ? 'as `endpoint_cause`' : specIn(cause, one).whose,
  );
  return [...new Set([general, ...others])].join(' or ');
}

/** Whether the cause counts against the endpoint, for the table: 'yes; no with `request_open`'. */
export function healthOfCause(cause: Cause, { countsAgainstHealth }: FailureSpec<Cause>): string {
  if (!countsAgainstHealth) return 'no';
  const excused = casesOf(cause).filter((one) => one.evidence !== null && !specIn(cause, one).countsAgainstHealth);
  return ['yes', ...excused.map(({ when }) => `no ${when}`)].join('; ');
}

/** A paragraph for each case of a cause: the party, and those usual causes and next steps that differ from the cause's general ones. */
export function caseParagraphs(cause: Cause, general: FailureSpec<Cause>): readonly string[] {
  return casesOf(cause).flatMap((one) => {
    if (one.evidence === null)
      return [`**${capital(one.when)},** whose, usual causes and next step are those of that cause.`, ''];
    const { whose, temporary, usualCauses, nextStep, countsAgainstHealth }: CaseTexts = specIn(cause, one);
    const passes =
      temporary === general.temporary ? '' : temporary ? ' · may pass by itself' : ' · does not pass by itself';
    return [
      `**${capital(one.when)},** whose: ${whose}${passes}${countsAgainstHealth === general.countsAgainstHealth ? '' : ' · does not count against the endpoint'}:`,
      '',
      ...(usualCauses ?? []).map((usual) => `- ${usual}`),
      '',
      `**Next step:** ${nextStep}`,
      '',
    ];
  });
}
