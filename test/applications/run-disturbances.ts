import { join } from 'node:path';
import { TestBundle } from '../../scripts/test-bundle.ts';
import { toolOptions } from '../tool-options.ts';
import { allDisturbances } from './disturbances.ts';
import { playDisturbances } from './play-disturbances.ts';

const usage = `usage: npm run soak:disturbances [-- options]

Runs a gateway with an instance, a worker, jobs, secrets and a static release. While it starts, reloads, changes a secret, upgrades and so
on, a piece of it is killed or frozen, or it has no descriptors or no disk space left. Afterwards everything must run once, no time of a job
may have run twice or be forgotten, and in the end nothing may be left behind.

  --from <ms>            of the blow, after the beginning of the operation (0)
  --to <ms>              (500)
  --step <ms>            (50)
  --for <s>              so long; then the rest is left out (3600)
  --seed <n>             of the order (1)
  --only <text>          what disturbances have in their names, such as "kill gateway" or "after upgrade"
  --isolation <none|strict>

It ends with 0 where every promise was kept, 1 where one was not.

example: npm run soak:disturbances -- --only "after upgrade" --step 20
`;

const {
  only = '',
  isolation = 'none',
  ...numbers
} = toolOptions(usage, ['only', 'isolation'], {
  ...{ from: 0, to: 500, step: 50, for: 3600, seed: 1 },
});
const { from, to, step, seed } = numbers;
const times = Array.from({ length: Math.floor((to - from) / Math.max(1, step)) + 1 }, (_, at) => from + at * step);
// A bundle starts in a third of the processor time.
const program = join(await new TestBundle().current(), 'bin', 'candor');
const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
const found = await playDisturbances(allDisturbances(times, seed), {
  ...{ only, isolation, program, forMs: numbers.for * 1000, signal: stopping.signal },
  onCase: (text, broken) => console.error(`${text}${broken.map((one) => `\n  ${one}`).join('')}`),
});
const { played, of, broken } = found;
console.error(
  `${played} of ${of} disturbances; ${broken.length === 0 ? 'every promise kept' : `${broken.length} promises not kept`}`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
