import type { IncidentScenario, ScenarioResult } from './play-scenario.ts';

/** How long after the first failure an incident must be open. */
const openedWithinS = 5;

/** What is wrong with the result; empty: nothing. */
export function faultsOf(
  { expect }: IncidentScenario,
  { changes, incidents, onset }: ScenarioResult,
): readonly string[] {
  const opened = changes.filter(({ kind }) => kind === 'opened');
  if (expect === null) return opened.map(({ incident }) => `opened for ${incident.cause} at ${incident.upstream}`);
  const [first] = opened;
  if (first === undefined || onset === null) return ['no incident was opened'];
  const faults: string[] = [];
  if (first.second - onset > openedWithinS) faults.push(`opened after ${first.second - onset} s`);
  const last = incidents.find(({ id }) => id === first.incident.id);
  const [suspect] = last?.suspects ?? [];
  if (suspect?.name !== expect) {
    const ranked = last?.suspects.map(({ name, fit }) => `${name} ${fit.toFixed(2)}`).join(', ');
    faults.push(`ranked ${ranked === '' ? 'nothing' : ranked}`);
  }
  return faults;
}
