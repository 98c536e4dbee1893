import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type EngineSummary, runScenario } from './engine/run-scenario.ts';
import { type EngineScenario, scenarioOf } from './engine/scenario.ts';
import { breaks, smallerScenario } from './engine/smaller-scenario.ts';
import { snippetOf } from './snippet.ts';

interface EngineFuzzResult extends EngineSummary {
  readonly runs: number;
}

/** Runs scenario after scenario through the whole data plane (`engine/run-scenario.ts`); a finding throws. */
export function fuzzEngine(seed: string, goesOn: () => boolean): EngineFuzzResult {
  let runs = 0;
  let exchanges = 0;
  let reached = 0;
  let answered = 0;
  while (goesOn()) {
    const summary = playSeed(`${seed}/${runs++}`);
    exchanges += summary.exchanges;
    reached += summary.reached;
    answered += summary.answered;
  }
  return { runs, exchanges, reached, answered };
}

/** Runs one scenario, by its seed; a finding throws with the reduced scenario. */
export function playSeed(seed: string): EngineSummary {
  const scenario = scenarioOf(seed, new SeededRandom(seed));
  try {
    return runScenario(scenario);
  } catch (error) {
    throw new Error(findingText(scenario), { cause: error });
  }
}

function findingText(scenario: EngineScenario): string {
  const smaller = smallerScenario(scenario);
  const sent = smaller.clients.map((steps) => bytesOf(steps));
  const answers = smaller.connections.flatMap(({ first, answers }) =>
    [first, ...answers].map((steps) => bytesOf(steps)),
  );
  const blocks = [
    ...sent.filter((bytes) => bytes.length > 0).map((bytes) => snippetOf(bytes, 'request')),
    ...answers.filter((bytes) => bytes.length > 0).map((bytes) => snippetOf(bytes, 'response')),
  ];
  return [
    `again: npm run fuzz -- --again ${scenario.seed}`,
    breaks(smaller) ?? 'the reduced scenario does not fail',
    `the reduced scenario: ${JSON.stringify(smaller, null, 1)}`,
    ...blocks,
  ].join('\n\n');
}

function bytesOf(steps: EngineScenario['clients'][number]): Buffer {
  return Buffer.from(steps.map((step) => (step.kind === 'send' ? step.bytes : '')).join(''), 'latin1');
}
