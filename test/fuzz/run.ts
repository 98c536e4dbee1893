import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fuzzEngine, playSeed } from './fuzz-engine.ts';
import { fuzzWire, judgeSeed } from './fuzz-wire.ts';
import { toolOptions } from '../tool-options.ts';

const usage = `usage: npm run fuzz -- [options]    random input for the parsers and the engine in turn

  --minutes <n>    of processor time, on two cores where there are two (24)
  --seed <text>    the same again (one by chance, which it prints)
  --again <text>   plays one finding, by the seed that was printed with it
  --help

It ends with 0 where nothing was found, 1 where something was, 2 for a wrong command line.

example: npm run fuzz -- --minutes 2 --seed 7
`;

// `--part` is what the run passes to its own processes.
const { minutes, seed, again, part } = toolOptions(usage, ['seed', 'again', 'part'], { minutes: 24 });

interface Sums {
  messages: number;
  scenarios: number;
  exchanges: number;
  cpuMs: number;
}

const sliceMs = 2000;
const progressMs = 30_000;

if (again !== undefined) playAgain(again);
else if (part !== undefined) runPart(part);
else await runParts(seed ?? String(process.hrtime.bigint()));

/** A seed of the parsers contains "wire", one of the engine "engine". */
function playAgain(seed: string): void {
  if (seed.includes('/wire/')) console.log(`${judgeSeed(seed)} bytes, nothing found`);
  else console.log('nothing found:', playSeed(seed));
}

async function runParts(seed: string): Promise<void> {
  const count = Math.min(2, availableParallelism());
  console.log(`seed ${seed}, ${minutes} minutes of processor time on ${count} cores`);
  const sums = new Map<ChildProcess, Sums>();
  const parts = Array.from({ length: count }, (_, n) => {
    const part = fork(import.meta.filename, ['--part', `${seed}/${n}`, '--minutes', String(minutes / count)]);
    part.on('message', (sum: Sums) => void sums.set(part, sum));
    return part;
  });
  const report = (): void => {
    const total = (of: keyof Sums): number => [...sums.values()].reduce((sum, part) => sum + part[of], 0);
    const spent = (total('cpuMs') / 60_000).toFixed(1);
    console.log(
      `${spent} min: ${total('messages')} messages, ${total('scenarios')} scenarios, ${total('exchanges')} exchanges`,
    );
  };
  const progress = setInterval(report, progressMs);
  const codes = await Promise.all(parts.map(async (part) => (await once(part, 'exit'))[0] as number));
  clearInterval(progress);
  report();
  const clean = codes.every((code) => code === 0);
  console.log(clean ? 'nothing found' : `found a failure; the seed was ${seed}`);
  process.exitCode = clean ? 0 : 1;
}

function runPart(seed: string): void {
  const sums: Sums = { messages: 0, scenarios: 0, exchanges: 0, cpuMs: 0 };
  const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  try {
    for (let turn = 0; cpuMs() < minutes * 60_000; turn++) {
      const end = cpuMs() + sliceMs;
      sums.messages += fuzzWire(`${seed}/wire/${turn}`, () => cpuMs() < end - sliceMs / 2).runs;
      const engine = fuzzEngine(`${seed}/engine/${turn}`, () => cpuMs() < end);
      sums.scenarios += engine.runs;
      sums.exchanges += engine.exchanges;
      sums.cpuMs = cpuMs();
      process.send?.(sums);
    }
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  process.disconnect?.();
}
