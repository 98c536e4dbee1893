import { setTimeout as passTime } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { freePort } from '../free-port.ts';
import { ManagedGateway } from './managed-gateway.ts';
import { LoadDriver, type Sent } from './load-driver.ts';
import { PartProcess } from './part-process.ts';
import type { SlowClientReport, SlowClientSizes } from './slow-clients.ts';

interface SlowSoakOptions {
  readonly slow: number;
  readonly idle: number;
  /** Normal clients' requests per second. */
  readonly rate: number;
  readonly rounds: number;
  /** Of each half of a round. */
  readonly measureMs: number;
  /** Before the first round, and after the slow clients have come or gone. */
  readonly warmMs?: number;
  readonly settleMs?: number;
  /** The time in which the slow clients connect. */
  readonly spreadMs?: number;
  readonly seed: string;
  readonly program?: string | undefined;
}

/** One half of a round: the results of normal clients. */
interface Half {
  readonly requests: number;
  /** Not answered with 200. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentBytes: number;
}

interface Round {
  readonly quiet: Half;
  readonly crowded: Half;
  /** Of the p99s. */
  readonly ratio: number;
  readonly slowClients: SlowClientReport;
}

interface SlowFigures {
  readonly rounds: readonly Round[];
  readonly medianRatio: number;
  /** More than before the first slow clients. */
  readonly grownBytes: number;
  /** The memory that docs/limits.md allows for these clients. */
  readonly allowedBytes: number;
  readonly examples: readonly string[];
  readonly broken: readonly string[];
}

const kib = 1024;
/** The largest memory of one connection in docs/limits.md, in bytes; the lines of its table are added. */
const stated = { atRest: 40 * kib, head: 40 * kib, bodyFlows: 512 * kib } as const;

/** Rounds in which normal clients are alone, and then together with slow and idle ones, or the other way round. */
export async function soakSlow(
  options: SlowSoakOptions,
  onProgress: (text: string) => void = () => {},
): Promise<SlowFigures> {
  const { rate, rounds: count, seed, program } = options;
  // The slow clients have their own origin: with 1,300 requests in flight it pauses, which is not the gateway's fault.
  const origins = [new PartProcess({ part: 'origin' }), new PartProcess({ part: 'origin' }, 'gives way')];
  const endOrigins = (): Promise<unknown> => Promise.all(origins.map((origin) => origin.end()));
  const [quiet, crowded] = await Promise.all(origins.map(async (origin) => (await origin.next('listens')).at));
  const port = await freePort();
  const configuration = configurationOf(port, quiet as string, crowded as string);
  const gateway = await ManagedGateway.start(configuration, program).catch(async (error: unknown) => {
    await endOrigins();
    throw error;
  });
  const slowClients = new PartProcess({ part: 'crowd', port }, 'gives way');
  const driver = new LoadDriver({
    random: new SeededRandom(seed),
    rate,
    targets: () => [{ host: '127.0.0.1', port }],
    phase: () => '',
    postPercent: 20,
    target: (random) => `/w/${random.pick([20, 500, 5000])}/0`,
  });
  try {
    driver.start();
    await passTime(options.warmMs ?? 5000);
    const rounds: Round[] = [];
    for (let number = 0; number < count; number++) {
      rounds.push(await playRound(number, options, { gateway, slowClients, driver }));
      onProgress(`round ${number + 1} of ${count}: ${roundText(rounds.at(-1)!)}`);
    }
    await driver.stop();
    return figuresOf(rounds, options, driver.sent);
  } finally {
    await driver.stop();
    driver.closeConnections();
    await slowClients.end();
    await gateway.stop();
    await endOrigins();
    gateway.remove();
  }
}

interface Stage {
  readonly gateway: ManagedGateway;
  readonly slowClients: PartProcess;
  readonly driver: LoadDriver;
}

async function playRound(number: number, options: SlowSoakOptions, stage: Stage): Promise<Round> {
  const { slowClients } = stage;
  // Answers that a client does not read fill the system's buffers first: megabytes each, which the gateway forwards.
  const { settleMs = 5000 } = options;
  // In alternating order, so that changes over time are not attributed to the slow clients.
  const crowdedFirst = number % 2 === 1;
  const before = crowdedFirst ? null : await measure(options, stage);
  slowClients.send({ do: 'come', sizes: sizesOf(options), spreadMs: options.spreadMs ?? 10_000 });
  await slowClients.next('come');
  await passTime(settleMs);
  const crowded = await measure(options, stage);
  slowClients.send({ do: 'report' });
  const { report } = await slowClients.next('report');
  slowClients.send({ do: 'leave' });
  await slowClients.next('left');
  await passTime(settleMs);
  const quiet = before ?? (await measure(options, stage));
  return { quiet, crowded, ratio: crowded.p99Ms / quiet.p99Ms, slowClients: report };
}

function sizesOf({ slow, idle }: SlowSoakOptions): SlowClientSizes {
  const [heads, posts] = [Math.round(slow / 3), Math.round(slow / 3)];
  const reading = slow - heads - posts;
  const readers = Math.round(reading / 2);
  return { heads, posts, readers, nonReaders: reading - readers, idle };
}

async function measure({ measureMs }: SlowSoakOptions, { gateway, driver }: Stage): Promise<Half> {
  const from = driver.sent.length;
  let residentBytes = 0;
  for (const until = performance.now() + measureMs; performance.now() < until; await passTime(250)) {
    residentBytes = Math.max(residentBytes, gateway.residentBytes());
  }
  const sent = driver.sent.slice(from).filter(({ kind, raced }) => kind !== null && !raced);
  const good = sent.filter((one) => isGood(one)).map(({ tookMs }) => tookMs);
  good.sort((a, b) => a - b);
  const at = (part: number): number => good[Math.min(good.length - 1, Math.floor(good.length * part))] ?? Number.NaN;
  return { requests: sent.length, failed: sent.length - good.length, p50Ms: at(0.5), p99Ms: at(0.99), residentBytes };
}

function isGood({ kind, status }: Sent): boolean {
  return kind === 'answered' && status === 200;
}

function figuresOf(rounds: readonly Round[], options: SlowSoakOptions, sent: readonly Sent[]): SlowFigures {
  const ratios = rounds.map(({ ratio }) => ratio).toSorted((a, b) => a - b);
  const medianRatio = ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
  // The first round begins quiet; later rounds keep memory that has not been returned to the system.
  const before = rounds[0]?.quiet.residentBytes ?? 0;
  const grownBytes = Math.max(...rounds.map(({ crowded }) => crowded.residentBytes)) - before;
  const allowedBytes = allowedFor(sizesOf(options));
  const failed = rounds.reduce((sum, { quiet, crowded }) => sum + quiet.failed + crowded.failed, 0);
  const fewest = Math.min(...rounds.map(({ slowClients }) => slowClients.idle.open));
  const broken = [
    ...(medianRatio > 2 ? [`p99 with slow clients is ${medianRatio.toFixed(2)} times the quiet one`] : []),
    ...(grownBytes > allowedBytes
      ? [`memory has grown by ${mib(grownBytes)}, and ${mib(allowedBytes)} are documented`]
      : []),
    ...(failed > 0 ? [`${failed} requests of normal clients were not answered with 200`] : []),
    ...(fewest < options.idle * 0.9 ? [`only ${fewest} idle connections of ${options.idle} were kept`] : []),
  ];
  const examples = sent.filter(({ note }) => note !== '').map(({ note }) => note);
  return { rounds, medianRatio, grownBytes, allowedBytes, examples, broken };
}

function allowedFor({ heads, posts, readers, nonReaders, idle }: SlowClientSizes): number {
  const flowing = posts + readers + nonReaders;
  return (heads + flowing + idle) * stated.atRest + heads * stated.head + flowing * stated.bodyFlows;
}

function roundText({ quiet, crowded, ratio, slowClients }: Round): string {
  const halves = [quiet, crowded].map(
    ({ p50Ms, p99Ms, residentBytes }) => `p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms, ${mib(residentBytes)}`,
  );
  const states = Object.entries(slowClients).map(
    ([kind, { open, ended, failed }]) => `${kind} ${open}/${ended}/${failed}`,
  );
  return `quiet ${halves[0]}; crowded ${halves[1]}; ratio ${ratio.toFixed(2)}; open/ended/failed: ${states.join(', ')}`;
}

export function mib(bytes: number): string {
  return `${(bytes / kib / kib).toFixed(1)} MiB`;
}

/** Every slow upload and download holds a connection to the origin, and normal clients need some too. */
function configurationOf(port: number, quiet: string, crowded: string): string {
  return [
    'deployment: slow.test',
    `listeners: { http: "127.0.0.1:${port}" }`,
    'workers: 2',
    // The measuring clients are trusted, so that the origin sees their ids; the slow clients are not.
    'trusted_peers: [127.0.0.1/32]',
    'upstreams:',
    `  quiet: { endpoints: ["${quiet}"], check: none }`,
    `  crowded: { endpoints: ["${crowded}"], check: none, connections: { max: 8192 } }`,
    'routes: [{ host: soak.test, path: /, to: quiet }, { host: crowd.test, path: /, to: crowded }]',
  ].join('\n');
}
