import { blind3Scenarios } from './blind3-scenarios.ts';
import { blindScenarios } from './blind-scenarios.ts';
import { type Fault, faultsOf, judge } from './judge-scenario.ts';
import { ownScenarios } from './own-scenarios.ts';
import { type IncidentScenario, playScenario } from './play-scenario.ts';

// How many incidents of the corpus are opened in time and have their cause ranked first: `corpus-claim.ts [own|blind|blind3] [seed]`.

/** One incident, or one quiet time. */
interface Line {
  readonly expected: string;
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly isIncident: boolean;
  readonly hasPlace: boolean;
}

const linesOf = (scenarios: readonly IncidentScenario[], seed: number): Line[] =>
  scenarios.map((scenario) => ({
    expected: scenario.expect ?? 'no incident',
    name: scenario.name,
    faults: faultsOf(scenario, playScenario(scenario, seed)),
    isIncident: scenario.expect !== null,
    hasPlace: false,
  }));

const judgedLines = (seed: number): Line[] =>
  blind3Scenarios.flatMap((scenario) => {
    const { name, kind, incidents } = scenario;
    const { expected, others } = judge(scenario, playScenario(scenario, seed));
    const quiet = { expected: 'no incident', name: `${kind}: ${name}`, isIncident: false, hasPlace: false };
    if (incidents.length === 0) return [{ ...quiet, faults: others }];
    return incidents.map(({ right, upstream, endpoints, routes }, index) => ({
      expected: `${right.join(' or ')} at ${upstream}`,
      name: `${kind}: ${name}`,
      faults: [...(expected[index] ?? []), ...(index === 0 ? others : [])],
      isIncident: true,
      hasPlace: endpoints !== undefined || routes !== undefined,
    }));
  });

const [, , which = 'blind', seed = '1'] = process.argv;
const lines =
  which === 'blind3'
    ? judgedLines(Number(seed))
    : linesOf(which === 'own' ? ownScenarios : blindScenarios, Number(seed));
for (const { expected, name, faults } of lines) {
  if (faults.length > 0) console.log(`${expected} | ${name} | ${faults.map(({ text }) => text).join('; ')}`);
}

const incidents = lines.filter(({ isIncident }) => isIncident);
const controls = lines.filter(({ isIncident }) => !isIncident);
const places = incidents.filter(({ hasPlace }) => hasPlace);
const having = (all: readonly Line[], ...what: readonly Fault['what'][]): number =>
  all.filter(({ faults }) => faults.some((fault) => what.includes(fault.what))).length;
const told = (all: readonly Line[], what: Fault['what']): string =>
  `${all.length - having(all, 'not_opened', what)} of ${all.length}`;
console.log(
  `${which}: cause first in ${told(incidents, 'cause')}, opened in time ${told(incidents, 'late')}, ` +
    (which === 'blind3' ? `shape told in ${told(incidents, 'shape')}, place in ${told(places, 'place')}, ` : '') +
    `incidents elsewhere ${having(incidents, 'elsewhere')}, false alarms in ${having(controls, 'false_alarm')} of ${controls.length} controls`,
);
