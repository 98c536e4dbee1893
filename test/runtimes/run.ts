import { preparePeer } from '../../scripts/peers.ts';
import { chosen, optionsOr } from '../../bench/options.ts';
import { buildClient, fetchRuntimes, runtimeNames, tryRuntime } from './runtimes.ts';

const usage = `usage: npm run try:runtimes -- [--only <names>]

Runs the promises of candor-client, as it is packed, against an origin on this
machine in each runtime. Those that are not there are fetched from npm into
.cache/runtimes/, the browser from Debian. A quarter of a minute.

  --only <names>  of ${runtimeNames.join(', ')}
                  (all)
  --help

Exits with 1 if a promise is broken or a runtime is missing, and with 2 for a
usage error.

example: npm run try:runtimes -- --only node22,workerd
`;

const { only } = optionsOr(usage, { only: { type: 'string', default: runtimeNames.join(',') } }, (values) => ({
  only: chosen(values.only, runtimeNames, 'runtime'),
}));

const missing = only.every((name) => name === 'node' || name === 'chromium') ? null : fetchRuntimes(console.error);
if (missing !== null) console.error(`runtimes ${missing}`);
if (only.includes('chromium')) preparePeer('chromium', console.error);
const client = buildClient();
for (const name of only) {
  const start = performance.now();
  try {
    const outcomes = await tryRuntime(name, client);
    const broken = outcomes.filter((outcome) => outcome.broken !== null);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${broken.length === 0 ? '✔' : '✖'} ${name}: ${outcomes.length - broken.length} of ${outcomes.length} promises hold (${seconds} s)`,
    );
    for (const { promise, broken: why } of broken) console.log(`    ${promise}: ${why}`);
    if (broken.length > 0) process.exitCode = 1;
  } catch (error) {
    console.log(`✖ ${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
