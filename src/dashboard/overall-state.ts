import { countText } from '../core/quantity-text.ts';
import type { EndpointJson, MinuteJson, StatusJson, UpstreamJson, VerdictJson } from './model.ts';

/** `good` is shown in green. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'unknown';

export interface ShownState {
  readonly tone: Tone;
  /** One or two words. */
  readonly word: string;
  /** Why, one sentence; '' where the word says everything. */
  readonly reason: string;
}

/** More failed requests than this are never shown in green. */
const errorShareMax = 0.01;

const failing = (reason: string): ShownState => ({ tone: 'bad', word: 'failing', reason });
const degraded = (reason: string): ShownState => ({ tone: 'warn', word: 'degraded', reason });
const inMaintenance = (verdict: VerdictJson): ShownState => ({
  tone: 'warn',
  word: 'in maintenance',
  reason: sentenceOf(verdict),
});

/** The state of the whole gateway. `isStale`: the page has had no answer for a while, so that nothing is known. */
export function overallState(status: StatusJson | null, isStale: boolean): ShownState {
  if (status === null) return { tone: 'unknown', word: 'not known', reason: 'The gateway has not answered yet.' };
  if (isStale) return { tone: 'unknown', word: 'not known', reason: 'The gateway does not answer.' };
  return failureOf(status) ?? troubleOf(status) ?? restOf(status);
}

function failureOf({ incidents, verdict, last_minute: minute }: StatusJson): ShownState | null {
  const seen = incidents.filter(({ failed }) => failed > 0);
  const [first, ...others] = seen;
  if (first !== undefined)
    return failing(
      others.length === 0 ? `${first.title}.` : `${first.title}, and ${countText(others.length, 'more incident')}.`,
    );
  if (verdict?.state === 'failing') return failing(sentenceOf(verdict));
  return verdict === undefined && exceeds(minute) ? failing(shareText(minute)) : null;
}

function troubleOf(status: StatusJson): ShownState | null {
  const { incidents, verdict, problems, state, upstreams, last_minute: minute } = status;
  if (state !== 'serving') return { tone: 'warn', word: state, reason: `The gateway is ${state}.` };
  if (verdict?.state === 'degraded') return degraded(sentenceOf(verdict));
  if (verdict?.state === 'maintenance') return inMaintenance(verdict);
  if (exceeds(minute)) return degraded(shareText(minute));
  const [problem] = problems;
  if (problem !== undefined) return degraded(problem.reason);
  const [hidden] = incidents;
  if (hidden !== undefined) return degraded(`${hidden.title}; other attempts answered the requests.`);
  const ill = upstreams.flatMap(({ endpoints }) => endpoints).filter(isIll);
  return ill.length === 0 ? null : degraded(`${countText(ill.length, 'endpoint')} cannot be used.`);
}

function restOf({ verdict, last_minute: minute }: StatusJson): ShownState {
  if (verdict?.state === 'unknown') return { tone: 'unknown', word: 'not known', reason: sentenceOf(verdict) };
  if (minute.requests === 0) return { tone: 'idle', word: 'idle', reason: 'No request came in the last minute.' };
  return { tone: 'good', word: 'serving', reason: '' };
}

/** The state of one upstream. */
export function upstreamState({ verdict, last_minute: minute, endpoints }: UpstreamJson): ShownState {
  if (verdict?.state === 'failing') return failing(sentenceOf(verdict));
  if (verdict?.state === 'maintenance') return inMaintenance(verdict);
  const usable = endpoints.filter((endpoint) => !isIll(endpoint));
  if (verdict?.state !== 'degraded' && endpoints.length > 0 && usable.length === 0)
    return failing('No endpoint can be used.');
  if (verdict === undefined && exceeds(minute)) return failing(shareText(minute));
  if (verdict?.state === 'degraded') return degraded(sentenceOf(verdict));
  if (exceeds(minute)) return degraded(shareText(minute));
  const ill = endpoints.length - usable.length;
  if (ill > 0) return degraded(`${ill} of ${countText(endpoints.length, 'endpoint')} cannot be used.`);
  if (verdict?.state === 'unknown') return { tone: 'unknown', word: 'not known', reason: sentenceOf(verdict) };
  if (minute.requests === 0) return { tone: 'idle', word: 'idle', reason: 'No request in the last minute.' };
  return { tone: 'good', word: 'ok', reason: '' };
}

/** An endpoint whose requests fail is never shown in green, though its checks pass. */
export function endpointTone({ state, last_minute: minute }: Pick<EndpointJson, 'state' | 'last_minute'>): Tone {
  const { answered, failed } = minute ?? { answered: 0, failed: 0 };
  switch (state) {
    case 'healthy':
      return failed > (answered + failed) * errorShareMax ? 'warn' : 'good';
    case 'unchecked':
    case 'unknown':
    case 'gone':
      return 'idle';
    case 'starting':
    case 'draining':
    case 'probation':
    case 'half_open':
      return 'warn';
    default:
      return 'bad';
  }
}

/** Out of use, though no operator asked for that. */
function isIll(endpoint: EndpointJson): boolean {
  return endpointTone(endpoint) === 'bad';
}

function exceeds({ error_share: share }: MinuteJson): boolean {
  return share !== null && share > errorShareMax;
}

function shareText({ errors, requests }: MinuteJson): string {
  return `${errors} of ${countText(requests, 'request')} failed in the last minute.`;
}

/** The gateway gives a clause. */
function sentenceOf({ reason }: VerdictJson): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
