import { parseArgs } from 'node:util';
import { carryLargeBody, type LargeFigures } from './large-body.ts';
import { raceKeepAlive } from './keep-alive-race.ts';

const usage = `usage: run.ts race [options]     reused connections that their origin closes just then
       run.ts large [options]    a gigabyte each way, and how much memory it takes

What takes too long for the suite. docs/development/testing.md says what each promises.

race
  --requests <n>      how many, by 64 clients (10000)
  --latency <ms>      how long the origin's close takes on its way (400)
  --raced-min <n>     reuses that must have been raced (one in 20 requests; with --apart 0)
  --apart             each client draws its own pauses
  --unsteady          the origin gives every connection another limit
  --seed <text>       the pauses (1)

large
  --megabytes <n>     of content, each way and case (1000)

both
  --program <file>    bin/candor of an installation, in place of this repository's
  --json              one JSON document on standard output; progress stays on standard error
  --help

It ends with 0 where every promise was kept, 1 where one was not, 2 for a wrong command line, 3 where nothing could be
measured.

example: npm run soak:race -- --requests 2000 --seed 7
`;

const mebibyte = 1024 * 1024;
/** Peak less idle resident memory. */
const residentMax = 40 * mebibyte;

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 3;
}

async function run(words: readonly string[]): Promise<number> {
  const asked = readWords(words);
  if (typeof asked === 'string') {
    console.error(`${asked}\n\n${usage}`);
    return 2;
  }
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  return asked.what === 'race' ? race(asked) : large(asked);
}

interface Asked {
  readonly what: string;
  readonly help: boolean;
  readonly json: boolean;
  readonly apart: boolean;
  readonly unsteady: boolean;
  readonly seed: string;
  readonly requests: number;
  readonly latency: number;
  readonly racedMin: number;
  readonly megabytes: number;
  readonly program: string | undefined;
}

/** The options, or the error in them. */
function readWords(words: readonly string[]): Asked | string {
  let parsed: ReturnType<typeof parseWords>;
  try {
    parsed = parseWords(words);
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
  }
  const { values, positionals } = parsed;
  const [what = ''] = positionals;
  if (!values.help && (positionals.length !== 1 || !['race', 'large'].includes(what))) {
    return 'Say which: race or large.';
  }
  const requests = Number(values.requests);
  const racedMin = values['raced-min'] === undefined ? racedMinOf(requests, values.apart) : Number(values['raced-min']);
  const [latency, megabytes] = [Number(values.latency), Number(values.megabytes)];
  const numbers = { '--requests': requests, '--latency': latency, '--raced-min': racedMin, '--megabytes': megabytes };
  for (const [name, number] of Object.entries(numbers)) {
    if (!Number.isFinite(number) || number < 0) return `${name} takes a number.`;
  }
  const { help, json, apart, unsteady, seed, program } = values;
  return { what, help, json, apart, unsteady, seed, requests, latency, racedMin, megabytes, program };
}

/** With its own pauses, some client has always a young connection, and an old one is seldom used. */
function racedMinOf(requests: number, apart: boolean): number {
  return apart ? 0 : requests / 20;
}

function parseWords(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      requests: { type: 'string', default: '10000' },
      latency: { type: 'string', default: '400' },
      'raced-min': { type: 'string' },
      apart: { type: 'boolean', default: false },
      unsteady: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      megabytes: { type: 'string', default: '1000' },
      program: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
}

async function race({ requests, latency, racedMin, apart, unsteady, seed, program, json }: Asked): Promise<number> {
  const clients = 64;
  const figures = await raceKeepAlive(
    { clients, requests, idleMs: 1000, latencyMs: latency, together: !apart, unsteady, seed, program },
    everySeconds(10, (asked, errors) => `${asked} of ${requests} requests, ${errors} errors`),
  );
  const { errors, ...counts } = figures;
  const broken = [
    ...(errors.length > 0 ? [`${errors.length} client-visible errors`] : []),
    ...(figures.postsSeenTwice > 0 ? [`${figures.postsSeenTwice} POSTs seen twice`] : []),
    ...(figures.untold > 0 ? [`${figures.untold} lost attempts that the record does not have`] : []),
    ...(figures.raced < racedMin
      ? [`only ${figures.raced} reuses raced of the ${racedMin} that would show anything`]
      : []),
  ];
  if (json) console.log(JSON.stringify({ ...counts, errors, racedMin, broken }, null, 2));
  else {
    console.log(counts);
    for (const error of errors.slice(0, 10)) console.log(`  ${error}`);
  }
  return conclude(broken, json);
}

async function large({ megabytes, program, json }: Asked): Promise<number> {
  const bytes = megabytes * 1_000_000;
  const broken: string[] = [];
  const onFigures = (figures: LargeFigures): void => {
    const grown = figures.peakBytes - figures.idleBytes;
    if (figures.wrongAt !== null) broken.push(`${figures.what}: wrong at byte ${figures.wrongAt}`);
    if (grown > residentMax)
      broken.push(`${figures.what}: ${mib(grown)} more than idle, ${mib(residentMax)} are promised`);
    (json ? console.error : console.log)(lineOf(figures));
  };
  const all = await carryLargeBody({ bytes, slowBytes: bytes, program, onFigures });
  if (json) console.log(JSON.stringify({ residentMax, cases: all, broken }, null, 2));
  return conclude(broken, json);
}

function lineOf({ what, bytes, seconds, wrongAt, idleBytes, peakBytes }: LargeFigures): string {
  const right = wrongAt === null ? 'every byte right' : `wrong at ${wrongAt}`;
  const resident = `resident ${mib(idleBytes)} idle, ${mib(peakBytes)} at most: ${mib(peakBytes - idleBytes)} more`;
  return `${what.padEnd(28)} ${bytes} bytes in ${seconds.toFixed(1)} s, ${right}; ${resident}`;
}

function conclude(broken: readonly string[], json: boolean): number {
  const said = broken.length === 0 ? ['every promise kept'] : broken.map((promise) => `not kept: ${promise}`);
  for (const line of said) (json ? console.error : console.log)(line);
  return broken.length === 0 ? 0 : 1;
}

/** Reports progress on standard error, at most this often. */
function everySeconds<T extends readonly unknown[]>(seconds: number, text: (...how: T) => string): (...how: T) => void {
  let saidAt = performance.now();
  return (...how) => {
    if (performance.now() - saidAt < seconds * 1000) return;
    saidAt = performance.now();
    console.error(text(...how));
  };
}

function mib(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}
