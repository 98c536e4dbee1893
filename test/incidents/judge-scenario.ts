import type { LiveIncident } from '../../src/core/live-incident.ts';
import type { ExpectedIncident, JudgedScenario } from './judged-scenario.ts';
import type { IncidentScenario, ScenarioResult } from './play-scenario.ts';

/** How long after the third failure an incident must be open. */
const openedWithinS = 5;

/** This share of the failures must be counted at the place to which the fault is confined. */
const placeShareMin = 0.8;

export interface Fault {
  /** `elsewhere`: an incident at an upstream where nothing is wrong. */
  readonly what: 'not_opened' | 'late' | 'cause' | 'shape' | 'place' | 'elsewhere' | 'false_alarm';
  readonly text: string;
}

/** What is wrong with the result of a scenario that names one cause; empty: nothing. */
export function faultsOf(
  { expect }: IncidentScenario,
  { changes, incidents, onset }: ScenarioResult,
): readonly Fault[] {
  const opened = changes.filter(({ kind }) => kind === 'opened');
  if (expect === null) return opened.map(({ incident }) => falseAlarm(incident, 'false_alarm'));
  const [first] = opened;
  if (first === undefined || onset === null) return [{ what: 'not_opened', text: 'no incident was opened' }];
  const last = incidents.find(({ id }) => id === first.incident.id);
  return [...lateFaults(first.second - onset), ...causeFaults(last, [expect])];
}

/** What is wrong with each expected incident, in their order, and with the others that were opened. */
export function judge(
  { incidents: expected, mayAlsoOpen = [] }: JudgedScenario,
  { changes, incidents, failed }: ScenarioResult,
): { readonly expected: readonly (readonly Fault[])[]; readonly others: readonly Fault[] } {
  const opened = changes
    .filter(({ kind }) => kind === 'opened')
    .map(({ second, incident }) => ({ second, incident: incidents.find(({ id }) => id === incident.id) ?? incident }));
  const taken = new Set<LiveIncident>();
  const judged = expected.map((each) => {
    const there = opened.filter(
      ({ second, incident }) => isAt(incident, each.upstream) && second > each.from && !taken.has(incident),
    );
    const found = there.find(({ incident }) => each.shapes.includes(incident.shape)) ?? there[0];
    if (found === undefined)
      return [{ what: 'not_opened', text: `no incident was opened at ${each.upstream}` } as const];
    taken.add(found.incident);
    const begun = failed.filter(
      ({ at, upstream, shape }) => at >= each.from && upstream === each.upstream && each.shapes.includes(shape),
    );
    return [
      ...lateFaults(found.second - (begun[2]?.at ?? each.from)),
      ...causeFaults(found.incident, each.right),
      ...shapeFaults(found.incident, each),
      ...placeFaults(found.incident, each),
    ];
  });
  const rightUpstreams = new Set([...expected.map(({ upstream }) => upstream), ...mayAlsoOpen]);
  const wrong = opened.filter(({ incident }) => upstreamsOf(incident).some((one) => !rightUpstreams.has(one)));
  const what = expected.length === 0 ? 'false_alarm' : 'elsewhere';
  return { expected: judged, others: wrong.map(({ incident }) => falseAlarm(incident, what)) };
}

/** One, or several that fail for one reason. */
const upstreamsOf = ({ upstreams }: LiveIncident): readonly string[] => upstreams.map(({ upstream }) => upstream);

const isAt = (incident: LiveIncident, upstream: string): boolean => upstreamsOf(incident).includes(upstream);

function falseAlarm(incident: LiveIncident, what: 'elsewhere' | 'false_alarm'): Fault {
  return {
    what,
    text: `opened for ${incident.cause} at ${incident.upstream}: ${incident.failed} of ${incident.requests} failed`,
  };
}

const lateFaults = (afterS: number): readonly Fault[] =>
  afterS > openedWithinS ? [{ what: 'late', text: `opened after ${afterS.toFixed(1)} s` }] : [];

function causeFaults(incident: LiveIncident | undefined, right: ExpectedIncident['right']): readonly Fault[] {
  const suspects = incident?.suspects ?? [];
  if (right.includes(suspects[0]?.name ?? 'not_known')) return [];
  const ranked = suspects.map(({ name, fit }) => `${name} ${fit.toFixed(2)}`).join(', ');
  return [{ what: 'cause', text: `ranked ${ranked === '' ? 'nothing' : ranked}` }];
}

const shapeFaults = ({ shape }: LiveIncident, { shapes }: ExpectedIncident): readonly Fault[] =>
  shapes.includes(shape) ? [] : [{ what: 'shape', text: `shape ${shape}` }];

function placeFaults(
  { endpoints, routes }: LiveIncident,
  { upstream, endpoints: numbers, routes: names }: ExpectedIncident,
): readonly Fault[] {
  const ids = numbers?.map((number) => `${upstream}/${number}`);
  const counted = [
    ...(ids === undefined ? [] : [{ ids, counts: endpoints.map(({ endpoint: id, failed }) => ({ id, failed })) }]),
    ...(names === undefined ? [] : [{ ids: names, counts: routes.map(({ route: id, failed }) => ({ id, failed })) }]),
  ];
  return counted.flatMap(({ ids: right, counts }) => {
    const there = counts.filter(({ id }) => right.includes(id));
    const isTold =
      there.filter(({ failed }) => failed > 0).length === right.length && sum(there) >= placeShareMin * sum(counts);
    const shown = counts.map(({ id, failed }) => `${id} ${failed}`).join(', ');
    return isTold ? [] : [{ what: 'place' as const, text: `failures at ${shown === '' ? 'no place' : shown}` }];
  });
}

const sum = (counts: readonly { readonly failed: number }[]): number =>
  counts.reduce((total, { failed }) => total + failed, 0);
