import type { HarmCounts, PlayResult } from './play-result.ts';

/** After it got all requests, a bad release is to be taken back in this time. */
const wholeSecondsMax = 60;
const wholeSecondsMaxSlow = 600;
/** So many late answers more than before are what a busy machine does. */
const lateShareMax = 0.03;

export interface ReleaseJudgement {
  readonly name: string;
  readonly isGood: boolean;
  readonly isOk: boolean;
  /** How the deployment ended, and why that is not what it should be. */
  readonly why: string;
  /** From its first requests until it got none any more; null: it got none, or has them still. */
  readonly foundAfter: number | null;
  /** From when it had all requests for the first time until it got none any more, or until the end of the play. */
  readonly wholeSeconds: number;
  readonly maxShare: number;
  readonly hadRequests: boolean;
  /** Beyond what the share of the old release before the deployment lets expect. */
  readonly harmed: number;
  /** Of the harmed requests, those that were answered wrongly, or not at all. */
  readonly wrong: number;
  /** Of the requests that were sent a minute after its first one, or later. */
  readonly harmedShareLater: number;
}

export function judgeRelease(result: PlayResult): ReleaseJudgement {
  const { name, expected, before, after, afterMinute, sights, endSecond } = result;
  const isGood = expected === 'promoted';
  const first = sights.find(({ share }) => share > 0);
  const last = sights.at(-1);
  const isInForce = (last?.share ?? 0) > 0;
  const whole = sights.find(({ share }) => share === 1);
  const wholeSeconds = whole === undefined ? 0 : ((isInForce ? endSecond : last?.second) ?? 0) - whole.second;
  const problem = isGood ? problemOfGood(result) : problemOfBad(result, isInForce, wholeSeconds);
  const usual = shareOf(before) * after.requests;
  return {
    ...{ name, isGood, isOk: problem === null, why: problem ?? last?.state ?? endedEarly(result) },
    foundAfter: first === undefined || isInForce ? null : rounded((last?.second ?? 0) - first.second),
    wholeSeconds: rounded(wholeSeconds),
    maxShare: Math.max(0, ...sights.map(({ share }) => share)),
    hadRequests: first !== undefined || result.byVersion[result.release] !== undefined,
    harmed: Math.max(0, Math.round(after.harmed - usual)),
    wrong: after.wrong,
    harmedShareLater: shareOf(afterMinute),
  };
}

function problemOfBad(result: PlayResult, isInForce: boolean, wholeSeconds: number): string | null {
  const { isSlow, gatewayOutput, deploy } = result;
  const max = isSlow ? wholeSecondsMaxSlow : wholeSecondsMax;
  if (gatewayOutput !== '') return 'the gateway has ended';
  if (deploy?.exitCode === null) return 'the command did not end';
  if (isInForce) return 'it is in force';
  return wholeSeconds > max ? `it was taken back ${Math.round(wholeSeconds)} s after it got all requests` : null;
}

function problemOfGood({ gatewayOutput, deploy, migration, sights, before, after }: PlayResult): string | null {
  if (gatewayOutput !== '') return 'the gateway has ended';
  if (deploy === null) return `its migration ended with ${migration?.exitCode}`;
  if (deploy.exitCode === null) return 'the command did not end';
  const last = sights.at(-1);
  if (deploy.exitCode !== 0 || last?.share !== 1)
    return `${last?.state ?? 'not deployed'}, exit code ${deploy.exitCode}`;
  if (after.wrong > shareOf({ ...before, harmed: before.wrong }) * after.requests)
    return `${after.wrong} of ${after.requests} requests were answered wrongly, ${before.wrong} of ${before.requests} before`;
  if (shareOf(after) > shareOf(before) + lateShareMax)
    return `${after.harmed} of ${after.requests} requests were late, ${before.harmed} of ${before.requests} before`;
  return null;
}

const endedEarly = ({ migration, deploy }: PlayResult): string =>
  deploy === null ? `its migration ended with ${migration?.exitCode}` : `exit code ${deploy.exitCode}`;

const shareOf = ({ harmed, requests }: Pick<HarmCounts, 'harmed' | 'requests'>): number =>
  requests === 0 ? 0 : harmed / requests;

const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;
