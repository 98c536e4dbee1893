import { conclude } from '../soak/output.ts';
import { toolOptions } from '../tool-options.ts';
import { rolloutSoak } from './rollout-soak.ts';

const usage = `usage: npm run soak:rollouts [-- <options>]

Rolls out one release after the other, with canary and blue_green by turns, while clients ask at a fixed rate and the gateway is
reloaded, is upgraded and loses workers. No request fails but those of a lost worker's own connections, a release that is
neither the old one nor the new one never answers, each rollout goes on with the share and the counts that it had, and each release
is promoted.

  --rate <n>      requests in each second (100)
  --reloads <n>   (20)
  --upgrades <n>  (5)
  --kills <n>     workers that end (5)
  --seed <text>   order and moments (1)
  --keep <1>      leaves the folder with configuration and log, and says where it is

It ends with 0 where every promise was kept, 1 where one was not, 3 where the soak itself failed.

example: npm run soak:rollouts -- --reloads 4 --upgrades 2 --kills 1 --seed 7
`;

const {
  seed = '1',
  keep,
  ...numbers
} = toolOptions(usage, ['seed', 'keep'], { rate: 100, reloads: 20, upgrades: 5, kills: 5 });

// This process ends the gateway, which is no child of the terminal.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
try {
  const { requests, rollouts, changesIn, failures, broken, folder } = await rolloutSoak(
    { ...numbers, seed, keepFolder: keep !== undefined },
    console.error,
  );
  console.error(`${requests} requests, ${rollouts} rollouts; changes: ${JSON.stringify(changesIn)}`);
  for (const [kind, { count, example }] of failures) console.error(`  ${count} × ${kind}: ${example}`);
  if (keep !== undefined) console.error(`left: ${folder}`);
  process.exitCode = conclude(broken, `npm run soak:rollouts -- ${process.argv.slice(2).join(' ')}`);
} catch (error) {
  console.error(String(error));
  process.exitCode = 3;
}
