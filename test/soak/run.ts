import { parseArgs } from 'node:util';
import { carryLargeContent } from './large-content.ts';
import { raceKeepAlive } from './keep-alive-race.ts';

/**
 * What takes too long for the suite. `npm run soak:race` and `npm run soak:content`; docs/testing.md has what they
 * promise, and each ends with 1 where that is not so.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '10000' },
    latency: { type: 'string', default: '50' },
    apart: { type: 'boolean', default: false },
    unsteady: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    megabytes: { type: 'string', default: '1000' },
  },
});
const mebibyte = 1024 * 1024;
/** Peak less idle resident memory. */
const residentMax = 40 * mebibyte;

if (positionals[0] === 'race') await race();
else if (positionals[0] === 'content') await content();
else {
  console.error('usage: run.ts race|content');
  process.exitCode = 2;
}

async function race(): Promise<void> {
  const figures = await raceKeepAlive({
    clients: 64,
    requests: Number(values.requests),
    idleMs: 1000,
    latencyMs: Number(values.latency),
    together: !values.apart,
    unsteady: values.unsteady,
    seed: values.seed,
  });
  const { errors, ...counts } = figures;
  console.log(counts);
  console.log(`${errors.length} client-visible errors`);
  for (const error of errors.slice(0, 10)) console.log(`  ${error}`);
  if (errors.length > 0 || figures.postsSeenTwice > 0) process.exitCode = 1;
}

async function content(): Promise<void> {
  const octets = Number(values.megabytes) * 1_000_000;
  for (const figure of await carryLargeContent(octets, octets)) {
    const grown = figure.peakOctets - figure.idleOctets;
    const right = figure.wrongAt === null ? 'every octet right' : `wrong at ${figure.wrongAt}`;
    console.log(
      `${figure.what.padEnd(26)} ${figure.octets} octets in ${figure.seconds.toFixed(1)} s, ${right}; ` +
        `resident ${mib(figure.idleOctets)} idle, ${mib(figure.peakOctets)} at most: ${mib(grown)} more`,
    );
    if (figure.wrongAt !== null || grown > residentMax) process.exitCode = 1;
  }
}

function mib(octets: number): string {
  return `${(octets / mebibyte).toFixed(1)} MiB`;
}
