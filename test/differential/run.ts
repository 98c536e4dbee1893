import { parseArgs } from 'node:util';
import { differ, readers } from './differential.ts';

/**
 * `npm run differential`: how Candor reads the documents' cases and messages by chance, against how Node, nginx and
 * HAProxy do. Ends with status 1 at a disagreement that no case of the documents explains.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, seed: { type: 'string' } },
});
const seed = values.seed ?? String(process.hrtime.bigint());
const seconds = Number(values.seconds);
console.log(`seed ${seed}, ${seconds} s each`);

for (const { name, missing } of readers) {
  if (missing !== null) {
    console.log(`${name}: skipped, ${missing}`);
    continue;
  }
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  const report = await differ(name, seed, () => process.hrtime.bigint() < end);
  const { samples, explained, unexplained, untrue } = report;
  const times = [...explained.values()].reduce((sum, count) => sum + count, 0);
  console.log(
    `${name}: ${samples} messages, ${times} read otherwise, as ${explained.size} lines of the documents explain, ` +
      `${unexplained.length} kinds unexplained`,
  );
  for (const text of untrue) console.log(`  no longer so: ${text}`);
  for (const text of unexplained) console.log(`\n${text}\n`);
  if (unexplained.length > 0) process.exitCode = 1;
}
