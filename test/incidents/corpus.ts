import { blind3Scenarios } from './blind3-scenarios.ts';
import { blindScenarios } from './blind-scenarios.ts';
import { type Fault, faultsOf, judge } from './judge-scenario.ts';
import type { JudgedScenario } from './judged-scenario.ts';
import { ownScenarios } from './own-scenarios.ts';
import { type IncidentScenario, playScenario } from './play-scenario.ts';

/** One incident, or one quiet time, and what is wrong with what was said of it. */
interface Line {
  readonly expected: string;
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly isIncident: boolean;
  /** The scenario says what shape it has. */
  readonly hasShape: boolean;
  /** The fault is confined to endpoints or routes. */
  readonly hasPlace: boolean;
}

/** `own`: the ranking was made with these. `blind` and `blind3` are by authors who had not seen the ranking. */
export const splits = {
  own: (seed: number) => namedLines(ownScenarios, seed),
  blind: (seed: number) => namedLines(blindScenarios, seed),
  blind3: (seed: number) => judgedBlind(blind3Scenarios, seed),
} as const satisfies Readonly<Record<string, (seed: number) => readonly Line[]>>;

/** `scenarios`: all or some of `blind3`. */
export function judgedBlind(scenarios: readonly JudgedScenario[], seed: number): readonly Line[] {
  return scenarios.flatMap((scenario) => judgedLines(scenario, seed));
}

export function namedLines(scenarios: readonly IncidentScenario[], seed: number): readonly Line[] {
  return scenarios.map((scenario) => namedLine(scenario, seed));
}

function namedLine(scenario: IncidentScenario, seed: number): Line {
  return {
    expected: scenario.expect ?? 'no incident',
    name: scenario.name,
    faults: faultsOf(scenario, playScenario(scenario, seed)),
    isIncident: scenario.expect !== null,
    hasShape: false,
    hasPlace: false,
  };
}

function judgedLines(scenario: JudgedScenario, seed: number): readonly Line[] {
  const { kind, incidents } = scenario;
  const name = `${kind}: ${scenario.name}`;
  const { expected, others } = judge(scenario, playScenario(scenario, seed));
  if (incidents.length === 0)
    return [{ expected: 'no incident', name, faults: others, isIncident: false, hasShape: false, hasPlace: false }];
  return incidents.map(({ right, upstream, endpoints, routes }, index) => ({
    expected: `${right.join(' or ')} at ${upstream}`,
    name,
    faults: [...(expected[index] ?? []), ...(index === 0 ? others : [])],
    isIncident: true,
    hasShape: true,
    hasPlace: endpoints !== undefined || routes !== undefined,
  }));
}

/** What was right in how many, by what could be wrong. */
export function countsOf(lines: readonly Line[]) {
  const incidents = lines.filter(({ isIncident }) => isIncident);
  return {
    causeFirst: without(incidents, 'not_opened', 'cause'),
    openedInTime: without(incidents, 'not_opened', 'late'),
    shapeTold: without(
      incidents.filter(({ hasShape }) => hasShape),
      'not_opened',
      'shape',
    ),
    placeTold: without(
      incidents.filter(({ hasPlace }) => hasPlace),
      'not_opened',
      'place',
    ),
    nothingElsewhere: without(incidents, 'elsewhere'),
    quiet: without(
      lines.filter(({ isIncident }) => !isIncident),
      'false_alarm',
    ),
  };
}

function without(lines: readonly Line[], ...what: readonly Fault['what'][]): { right: number; of: number } {
  return {
    right: lines.filter(({ faults }) => !faults.some((fault) => what.includes(fault.what))).length,
    of: lines.length,
  };
}

/** Each line that is wrong, in a line. */
export function wrongLines(lines: readonly Line[]): readonly string[] {
  return lines
    .filter(({ faults }) => faults.length > 0)
    .map(({ expected, name, faults }) => `${expected} | ${name} | ${faults.map(({ text }) => text).join('; ')}`);
}
