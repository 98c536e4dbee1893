import { sentenceOf } from '#failures/first-letter.ts';
import { countText } from '#failures/quantity-text.ts';
import type { VerdictState } from '../core/service-verdict.ts';
import { failedTooMany, shownVerdict } from '../core/shown-verdict.ts';
import { missedText } from './route-rows.ts';
import type { EndpointJson, IncidentJson, StatusJson, UpstreamJson, VerdictJson } from './model.ts';

/** `good` is shown in green. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'unknown';

export interface ShownState {
  readonly tone: Tone;
  /** One or two words. */
  readonly word: string;
  /** Why, one sentence; '' where the word says everything. */
  readonly reason: string;
}

const tones: Readonly<Record<VerdictState, Tone>> = {
  ok: 'good',
  idle: 'idle',
  unknown: 'unknown',
  maintenance: 'warn',
  degraded: 'warn',
  failing: 'bad',
};

/** The state of the whole gateway. `isStale`: the page has had no answer for a while, so that nothing is known. */
export function overallState(status: StatusJson | null, isStale: boolean): ShownState {
  if (status === null) return { tone: 'unknown', word: 'unknown', reason: 'The gateway has not answered yet.' };
  if (isStale) return { tone: 'unknown', word: 'unknown', reason: 'The gateway does not answer.' };
  const { incidents, problems, last_minute: minute, verdict } = status;
  const shown = withObjectives(stateOf(shownVerdict(verdict, { ...minute, incidents: incidents.length })), status);
  if (incidents.length === 0 || shown.word === 'maintenance') return shown;
  // Clients that are refused are in no incident: they have no exchange.
  const refused = shown.tone === 'bad' ? problems.filter(({ kind }) => kind === 'clients_refused') : [];
  return { ...shown, reason: [...refused.map((problem) => problem.reason), incidentReason(incidents)].join(' ') };
}

/** What serves without failures, and yet breaks a promise, is not shown in green. */
function withObjectives(shown: ShownState, { objectives }: Pick<StatusJson, 'objectives'>): ShownState {
  const [first, ...others] = objectives.flatMap((one) => missedText(one) ?? []);
  if (shown.tone !== 'good' || first === undefined) return shown;
  const more =
    others.length === 0
      ? ''
      : ` So ${others.length === 1 ? 'is' : 'are'} ${countText(others.length, 'more objective')}.`;
  return { ...shown, tone: 'warn', reason: `${first}${more}` };
}

type UpstreamsOfIncident = Pick<IncidentJson, 'upstream' | 'upstreams'>;

/** The state of one upstream. `incidents`: those that go on, of any upstream. */
export function upstreamState(upstream: UpstreamJson, incidents: readonly UpstreamsOfIncident[]): ShownState {
  const { id, verdict, last_minute: minute } = upstream;
  const isOwn = (one: UpstreamsOfIncident): boolean =>
    one.upstream === id || one.upstreams.some((failing) => failing.upstream === id);
  const own = incidents.filter(isOwn).length;
  return stateOf(shownVerdict(verdict, { ...minute, incidents: own }));
}

/** What serves well needs no reason. */
function stateOf({ state, reason }: VerdictJson): ShownState {
  if (state === 'ok') return { tone: 'good', word: 'serving', reason: '' };
  return { tone: tones[state], word: state, reason: sentenceOf(reason) };
}

/** The incidents say more than the verdict; '' if there is none. */
function incidentReason(incidents: StatusJson['incidents']): string {
  const failing = incidents.filter(({ failed }) => failed > 0);
  const [first, ...others] = failing.length > 0 ? failing : incidents;
  if (first === undefined) return '';
  if (failing.length === 0) return `${first.title}; other attempts answered the requests.`;
  return others.length === 0 ? `${first.title}.` : `${first.title}, and ${countText(others.length, 'more incident')}.`;
}

/** An endpoint whose requests fail is never shown in green, though its checks pass; nor one that gets none by its weight. */
export function endpointTone({
  state,
  weight,
  last_minute: minute,
}: Pick<EndpointJson, 'state' | 'weight' | 'last_minute'>): Tone {
  const { answered, failed } = minute;
  const isFailing = failedTooMany({ requests: answered + failed, errors: failed });
  switch (state) {
    case 'healthy':
      return isFailing ? 'warn' : weight === 0 ? 'idle' : 'good';
    case 'unchecked':
      return isFailing ? 'warn' : 'idle';
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
