import { blindScenarios } from './blind-scenarios.ts';
import { faultsOf } from './judge-scenario.ts';
import { ownScenarios } from './own-scenarios.ts';
import { playScenario } from './play-scenario.ts';

// How many incidents of the corpus are opened in time and have their cause ranked first: `corpus-claim.ts [own|blind] [seed]`.
const [, , which = 'blind', seed = '1'] = process.argv;
const scenarios = which === 'own' ? ownScenarios : blindScenarios;
const judged = scenarios.map((scenario) => ({
  scenario,
  faults: faultsOf(scenario, playScenario(scenario, Number(seed))),
}));
for (const { scenario, faults } of judged) {
  if (faults.length > 0) console.log(`${scenario.expect ?? 'no incident'} | ${scenario.name} | ${faults.join('; ')}`);
}
const incidents = judged.filter(({ scenario }) => scenario.expect !== null);
const controls = judged.filter(({ scenario }) => scenario.expect === null);
const count = (all: typeof judged, is: (fault: string) => boolean): number =>
  all.filter(({ faults }) => faults.some(is)).length;
console.log(
  `${which}: cause first in ${incidents.length - count(incidents, (fault) => !fault.startsWith('opened after'))} of ${incidents.length}, ` +
    `opened late ${count(incidents, (fault) => fault.startsWith('opened after'))}, ` +
    `false alarms ${count(controls, () => true)} in ${controls.length} controls`,
);
