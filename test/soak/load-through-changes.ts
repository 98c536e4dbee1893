import { setTimeout as passTime } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { freePort } from '../free-port.ts';
import { compareLost, type LostFigures } from './compare-lost.ts';
import { type Death, ManagedGateway } from './managed-gateway.ts';
import type { LoadTarget } from './load-connection.ts';
import { LoadDriver, type Sent } from './load-driver.ts';
import { PartProcess } from './part-process.ts';

interface ChangesOptions {
  readonly reloads: number;
  readonly kills: number;
  readonly upgrades: number;
  /** Requests per second. */
  readonly rate: number;
  /** The pause between two changes. */
  readonly restMs: number;
  readonly seed: string;
  /** How workers end; one of these is drawn. */
  readonly deaths?: readonly Death[];
  readonly program?: string | undefined;
  /** The folder with configuration and log is kept. */
  readonly keepFolder?: boolean;
}

type Change = 'reload' | 'kill' | 'upgrade';

/** The results of clients, by the change in progress. `quiet` is between two changes. */
interface PhaseFigures {
  readonly requests: number;
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  readonly cut: number;
  readonly silent: number;
  readonly wrong: number;
  /** Complete answers with another status than 200. */
  readonly otherStatus: number;
  /** GETs whose used connection ended before a byte; each was retried, and the retry is counted above. */
  readonly raced: number;
}

export interface ChangesFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly phases: Readonly<Record<string, PhaseFigures>>;
  readonly postsSeenTwice: number;
  /** Answered POSTs that never reached the origin. */
  readonly postsNeverSeen: number;
  readonly lost: LostFigures;
  /** Changes that failed, and why. */
  readonly failedChanges: readonly string[];
  readonly processes: number;
  /** The largest delay of the driver. */
  readonly lateMsMax: number;
  /** Broken promises. */
  readonly broken: readonly string[];
  /** The first requests that were not answered as expected. */
  readonly examples: readonly string[];
  readonly folder: string;
}

/** Reloads, worker ends and upgrades, so many of each, in random order, while clients send requests at a constant rate. */
export async function loadThroughChanges(
  options: ChangesOptions,
  onProgress: (text: string) => void = () => {},
): Promise<ChangesFigures> {
  const random = new SeededRandom(options.seed);
  const origin = new PartProcess({ part: 'origin' });
  const { at: address } = await origin.next('listens');
  const [port, extraPort] = [await freePort(), await freePort()];
  const variants = new Variants(address, port, extraPort);
  const gateway = await ManagedGateway.start(variants.text, options.program, steady).catch(async (error: unknown) => {
    await origin.end();
    throw error;
  });
  const stage = new Stage(gateway, variants, random.fork('changes'), options.deaths ?? ['throws', 'exits']);
  const driver = new LoadDriver({
    random: random.fork('load'),
    rate: options.rate,
    targets: () => stage.ways,
    phase: () => stage.phase,
  });
  const began = performance.now();
  try {
    await gateway.applicationsReady(1);
    const applications = await gateway.applications();
    driver.start();
    await passTime(options.restMs);
    const changes = shuffled(options, random.fork('order'));
    for (const [done, change] of changes.entries()) {
      await stage.perform(change);
      await passTime(options.restMs);
      onProgress(`${done + 1} of ${changes.length} changes, the last a ${change}; ${driver.sent.length} requests`);
    }
    await driver.stop();
    driver.closeConnections();
    const stayed = (await gateway.applications()).join() === applications.join();
    if (!stayed) stage.failed.push('the application that Candor runs is another process than at the start');
    await gateway.stop();
    const seconds = (performance.now() - began) / 1000;
    origin.send({ do: 'report' });
    const { seen } = await origin.next('seen');
    return figuresOf({ sent: driver.sent, lateMsMax: driver.lateMsMax, seen, gateway, stage, seconds, options });
  } finally {
    await driver.stop();
    driver.closeConnections();
    await gateway.stop();
    await origin.end();
    if (options.keepFolder !== true) gateway.remove();
  }
}

function shuffled({ reloads, kills, upgrades }: ChangesOptions, random: SeededRandom): readonly Change[] {
  const changes: Change[] = [
    ...Array<Change>(reloads).fill('reload'),
    ...Array<Change>(kills).fill('kill'),
    ...Array<Change>(upgrades).fill('upgrade'),
  ];
  for (let last = changes.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [changes[last], changes[other]] = [changes[other]!, changes[last]!];
  }
  return changes;
}

/** An application that Candor runs. No reload, worker end or upgrade may end it. */
const steady = {
  'steady.mjs': `import { createServer } from 'node:http';
createServer((_, response) => response.end('steady\\n')).listen(process.env.PORT, '127.0.0.1');
`,
};

/** Configurations that differ from the previous one in listeners, routes, number of workers and timeouts. */
class Variants {
  #number = 0;
  readonly #origin: string;
  readonly #port: number;
  readonly #extraPort: number;

  constructor(origin: string, port: number, extraPort: number) {
    this.#origin = origin;
    this.#port = port;
    this.#extraPort = extraPort;
  }

  next(): void {
    this.#number++;
  }

  get hasExtra(): boolean {
    return this.#number % 2 === 1;
  }

  get ways(): readonly LoadTarget[] {
    const main = { host: '127.0.0.1', port: this.#port };
    return this.hasExtra ? [main, main, { host: '127.0.0.1', port: this.#extraPort }] : [main];
  }

  /** Never a single worker: while it is replaced nothing would listen. */
  get text(): string {
    const number = this.#number;
    const workers = [2, 3, 4, 2, 3][number % 5];
    const extra = this.hasExtra ? `, extra: "127.0.0.1:${this.#extraPort}"` : '';
    const routes = [
      ...(number % 3 === 0 ? ['  - { path: /never, respond: { body: never } }'] : []),
      '  - { path: /steady, to: steady }',
      ...(number % 3 === 1 ? ['  - { path: /w, to: origin, timeouts: { response_head: 25s } }'] : []),
      '  - { path: /, to: origin }',
    ];
    return [
      'deployment: soak.test',
      `listeners: { http: "127.0.0.1:${this.#port}"${extra} }`,
      `workers: ${workers}`,
      'trusted_peers: [127.0.0.0/8]',
      `upstreams: { origin: { endpoints: ["${this.#origin}"], check: none, connections: { max: 1024 } } }`,
      `applications: { steady: { command: "${process.execPath} steady.mjs", readiness: / } }`,
      `timeouts: { response_head: ${20 + (number % 4)}s, idle: ${30 + (number % 7)}s }`,
      'routes:',
      ...routes,
    ].join('\n');
  }
}

/** Makes the changes, and says which one is in progress. */
class Stage {
  phase = 'quiet';
  ways: readonly LoadTarget[];
  readonly failed: string[] = [];
  readonly kills: { readonly at: number; readonly until: number }[] = [];
  readonly #gateway: ManagedGateway;
  readonly #variants: Variants;
  readonly #random: SeededRandom;
  readonly #deaths: readonly Death[];

  constructor(gateway: ManagedGateway, variants: Variants, random: SeededRandom, deathsOf: readonly Death[]) {
    this.#gateway = gateway;
    this.#variants = variants;
    this.#random = random;
    this.#deaths = deathsOf;
    this.ways = variants.ways;
  }

  async perform(change: Change): Promise<void> {
    this.phase = change;
    const why = await this.#change(change);
    if (why !== null) this.failed.push(`${change}: ${why}`);
    // The effects of a change may end after it: an answer in flight, or a client that meets the end of its connection.
    await passTime(settleMs);
    this.phase = 'quiet';
  }

  async #change(change: Change): Promise<string | null> {
    switch (change) {
      case 'reload':
        return this.#reload();
      case 'kill':
        return this.#gateway.endWorker(this.#random.next(), this.#random.pick(this.#deaths));
      case 'upgrade':
        return this.#gateway.upgrade();
    }
  }

  /** A listener gets no new requests before its removal: it may refuse them afterwards. */
  async #reload(): Promise<string | null> {
    this.#variants.next();
    const goes = this.ways.length > this.#variants.ways.length;
    if (goes) {
      this.ways = this.#variants.ways;
      await passTime(settleMs);
    }
    this.#gateway.configure(this.#variants.text);
    const why = await this.#gateway.reload();
    if (why === null) this.ways = this.#variants.ways;
    return why;
  }
}

const settleMs = 500;

interface Played {
  readonly sent: readonly Sent[];
  readonly lateMsMax: number;
  /** How many times each request reached the origin. */
  readonly seen: ReadonlyMap<string, number>;
  readonly gateway: ManagedGateway;
  readonly stage: Stage;
  readonly seconds: number;
  readonly options: ChangesOptions;
}

function figuresOf({ sent, lateMsMax, seen, gateway, stage, seconds, options }: Played): ChangesFigures {
  const phases: Record<string, PhaseFigures> = {};
  for (const phase of ['quiet', 'reload', 'upgrade', 'kill']) phases[phase] = phaseFigures(sent, phase);
  const posts = sent.filter(({ method }) => method === 'POST');
  const postsSeenTwice = posts.filter(({ id }) => (seen.get(id) ?? 0) > 1).length;
  const answeredPosts = posts.filter(({ kind, status }) => kind === 'answered' && status === 200);
  const postsNeverSeen = answeredPosts.filter(({ id }) => !seen.has(id)).length;
  const lost = compareLost(sent, seen, gateway.log());
  const broken = [
    ...stage.failed,
    ...['quiet', 'reload', 'upgrade'].flatMap((phase) => brokenIn(phase, phases[phase]!)),
    ...brokenByKills(phases['kill']!),
    ...(postsSeenTwice > 0 ? [`${postsSeenTwice} POSTs reached the origin twice`] : []),
    ...(postsNeverSeen > 0 ? [`${postsNeverSeen} POSTs were answered and never reached the origin`] : []),
    ...lost.broken,
    ...(options.upgrades > 0 && gateway.pids.length !== options.upgrades + 1
      ? [`${gateway.pids.length} processes have served, and not ${options.upgrades + 1}`]
      : []),
  ];
  return {
    requests: sent.length,
    seconds,
    phases,
    postsSeenTwice,
    postsNeverSeen,
    lost,
    failedChanges: stage.failed,
    processes: gateway.pids.length,
    lateMsMax: Math.round(lateMsMax),
    broken,
    // Losses with a worker are expected, and come last.
    examples: sent
      .filter(({ note }) => note !== '')
      .toSorted((a, b) => Number(a.phase === 'kill') - Number(b.phase === 'kill'))
      .map(({ phase, raced, note }) => `${phase}${raced ? ', repeated' : ''}: ${note}`),
    folder: gateway.folder,
  };
}

function phaseFigures(sent: readonly Sent[], phase: string): PhaseFigures {
  const all = sent.filter((one) => one.phase === phase);
  const counted = all.filter(({ raced }) => !raced);
  const of = (...kinds: readonly Sent['kind'][]): number => counted.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    requests: counted.length,
    answered: counted.filter(({ kind, status }) => kind === 'answered' && status === 200).length,
    refused: of('refused', 'unconnected'),
    lost: of('lost'),
    cut: of('cut'),
    silent: of('silent'),
    wrong: of('wrong'),
    otherStatus: counted.filter(({ kind, status }) => kind === 'answered' && status !== 200).length,
    raced: all.length - counted.length,
  };
}

function brokenIn(phase: string, figures: PhaseFigures): string[] {
  const kinds = ['refused', 'lost', 'cut', 'silent', 'wrong', 'otherStatus'] as const;
  return kinds.filter((kind) => figures[kind] > 0).map((kind) => `${phase}: ${figures[kind]} ${kind}`);
}

/** A change affects only the clients of a lost worker: no other client is refused, delayed or answered with 5xx. */
function brokenByKills(figures: PhaseFigures): string[] {
  const kinds = ['refused', 'silent', 'wrong', 'otherStatus'] as const;
  return kinds.filter((kind) => figures[kind] > 0).map((kind) => `kill: ${figures[kind]} ${kind}`);
}
