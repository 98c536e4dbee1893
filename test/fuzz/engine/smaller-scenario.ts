import { smallerList } from '../smaller.ts';
import { runScenario } from './run-scenario.ts';
import type { EndpointScript, EngineScenario, Step } from './scenario.ts';

/** The broken rule when the scenario runs; null if none is broken. */
export function breaks(scenario: EngineScenario): string | null {
  try {
    runScenario(scenario);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The scenario without everything that the same failure does not need. */
export function smallerScenario(scenario: EngineScenario): EngineScenario {
  const failure = kindOf(breaks(scenario));
  const fails = (some: EngineScenario): boolean => kindOf(breaks(some)) === failure;
  let kept = scenario;
  for (let round = 0; round < 2; round++) {
    kept = { ...kept, clients: smallerList(kept.clients, (clients) => fails({ ...kept, clients })) };
    kept.clients.forEach((_, index) => (kept = smallerClient(kept, index, fails)));
    kept.connections.forEach((_, index) => (kept = smallerConnection(kept, index, fails)));
    for (const plain of [{ pieceBytes: 0 }, { latencyMs: 0 }, { windowBytes: 65_536 }]) {
      if (fails({ ...kept, ...plain })) kept = { ...kept, ...plain };
    }
  }
  return kept;
}

/** Marks and figures differ from run to run; the broken rule does not. */
function kindOf(failure: string | null): string | null {
  return failure === null ? null : failure.slice(0, 24);
}

type Fails = (some: EngineScenario) => boolean;

function smallerClient(scenario: EngineScenario, index: number, fails: Fails): EngineScenario {
  const having = (steps: readonly Step[]): EngineScenario => ({
    ...scenario,
    clients: scenario.clients.map((other, at) => (at === index ? steps : other)),
  });
  return having(smallerSteps(scenario.clients[index] ?? [], (steps) => fails(having(steps))));
}

function smallerConnection(scenario: EngineScenario, index: number, fails: Fails): EngineScenario {
  const script = scenario.connections[index] as EndpointScript;
  const having = (part: Partial<EndpointScript>, from = script): EngineScenario => ({
    ...scenario,
    connections: scenario.connections.map((other, at) => (at === index ? { ...from, ...part } : other)),
  });
  const first = smallerSteps(script.first, (steps) => fails(having({ first: steps })));
  let kept = having({ first });
  script.answers.forEach((steps, n) => {
    const now = kept.connections[index] as EndpointScript;
    const answers = (some: readonly Step[]): readonly (readonly Step[])[] => now.answers.with(n, some);
    kept = having(
      { answers: answers(smallerSteps(steps, (some) => fails(having({ answers: answers(some) }, now)))) },
      now,
    );
  });
  return kept;
}

/** Fewer steps, then fewer bytes in each. */
function smallerSteps(steps: readonly Step[], fails: (some: readonly Step[]) => boolean): readonly Step[] {
  let kept = smallerList(steps, fails);
  kept.forEach((step, index) => {
    if (step.kind !== 'send' || step.bytes.length > 4000) return;
    const having = (bytes: readonly string[]): readonly Step[] =>
      kept.with(index, { kind: 'send', bytes: bytes.join('') });
    kept = having(smallerList([...step.bytes], (some) => fails(having(some)), 120));
  });
  return kept;
}
