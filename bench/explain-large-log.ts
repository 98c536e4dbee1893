import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { explainLargeLog, writeLargeLog } from './large-log.ts';
import { optionsOr, wholeNumber } from './options.ts';

const usage = `usage: npm run bench:explain:large -- [options]

How much memory \`candor explain\` takes for large logs: nginx's error log in
which every line is a failure, its access log in which every twentieth request
fails, and both together. The logs are made in the folder for temporary files,
each in two sizes, since the memory is not to depend on the size. One more run
is interrupted in the middle.

  --megabytes <n>  of the larger log (1000)
  --most <n>       megabytes of resident memory (300)
  --help

It ends with 0, with 1 where a run took more memory, with 2 for a wrong command
line.

example: npm run bench:explain:large -- --megabytes 200
`;

const { megabytes, most } = optionsOr(
  usage,
  { megabytes: { type: 'string', default: '1000' }, most: { type: 'string', default: '300' } },
  (values) => ({
    megabytes: wholeNumber(values.megabytes, '--megabytes'),
    most: wholeNumber(values.most, '--most'),
  }),
);

const folder = mkdtempSync(join(tmpdir(), 'candor-large-'));
let largest = 0;

async function measure(
  name: string,
  files: readonly string[],
  interruptAfterBytes: number | null = null,
): Promise<void> {
  const { code, residentBytes, seconds, headline, notice } = await explainLargeLog(files, folder, interruptAfterBytes);
  largest = Math.max(largest, residentBytes / 1e6);
  const size = `${(residentBytes / 1e6).toFixed(0)} MB`.padStart(7);
  console.log(`${name.padEnd(34)} ${size}  ${seconds.toFixed(1).padStart(6)} s  exit code ${code}  ${headline}`);
  if (notice !== '') console.log(`  ${notice}`);
}

try {
  for (const size of [Math.ceil(megabytes / 10), megabytes]) {
    const [error, access] = [`error-${size}.log`, `access-${size}.log`];
    await writeLargeLog('error', size, join(folder, error));
    await writeLargeLog('access', size, join(folder, access));
    await measure(`error log of ${size} MB`, [error]);
    await measure(`access log of ${size} MB`, [access]);
    await measure('both', [error, access]);
    if (size === megabytes) await measure('both, interrupted in the middle', [error, access], size * 1e6);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (largest > most) {
  console.error(`${largest.toFixed(0)} MB of resident memory, and at most ${most} are wanted`);
  process.exitCode = 1;
}
