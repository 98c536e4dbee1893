import { differ, readers } from './differential.ts';
import { toolOptions } from '../tool-options.ts';

const usage = `usage: npm run differential -- [options]    how Candor reads messages, against Node, nginx and HAProxy

The documents' cases, and messages by chance.

  --seconds <n>    for each of the others (20)
  --seed <text>    the same again (one by chance, which it prints)
  --help

It ends with 0 where the documents' cases explain every difference, 1 where they do not, 2 for a wrong command line.

example: npm run differential -- --seconds 60 --seed 7
`;

const { seconds, seed = String(process.hrtime.bigint()) } = toolOptions(usage, ['seed'], { seconds: 20 });
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
  for (const text of untrue) console.log(`  no longer true: ${text}`);
  for (const text of unexplained) console.log(`\n${text}\n`);
  if (unexplained.length > 0) process.exitCode = 1;
}
