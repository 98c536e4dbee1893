// Incidents and quiet times by an author who has not seen the ranking: neither its code nor the record of its decisions, but what users
// are told of incidents, events and failures. Each truth was judged a second time, and all were committed, before the first run of any.
// What the first run said stands in docs/development/testing.md. A truth is not changed to fit the ranking afterwards.
import { changes } from './blind3/changes.ts';
import { controls } from './blind3/controls.ts';
import { load } from './blind3/load.ts';
import { processes } from './blind3/processes.ts';
import { together } from './blind3/together.ts';
import { wire } from './blind3/wire.ts';
import type { JudgedScenario } from './judged-scenario.ts';

export const blind3Scenarios: readonly JudgedScenario[] = [
  ...changes,
  ...processes,
  ...load,
  ...wire,
  ...together,
  ...controls,
];
