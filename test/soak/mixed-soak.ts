import { setTimeout as passTime } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { fin, refusingAddress, send, startFaultOrigin, unansweringAddress } from '../../src/testing/testing.ts';
import { tortureFaults } from '../../src/testing/torture/faults.ts';
import { freePort } from '../free-port.ts';
import { agree, type Agreement } from './agree.ts';
import { ManagedGateway } from './managed-gateway.ts';
import { MixedClients } from './mixed-clients.ts';
import { migratesRequests } from './own-network.ts';
import type { ThreadSnapshot } from './inspector-server.ts';

interface MixedSoakOptions {
  readonly seconds: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seed: string;
  /** Milliseconds between two reloads, or two worker ends. */
  readonly reloadEveryMs: number;
  readonly killEveryMs: number;
  readonly program?: string | undefined;
  readonly keepFolder?: boolean;
}

/** The resources of the process at one moment. */
interface Sample {
  readonly atS: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Resident memory over time, after the warm-up, with a straight line fitted to it. */
interface Growth {
  readonly samples: number;
  readonly meanBytes: number;
  /** The rise of the line from its beginning to its end. */
  readonly grownBytes: number;
  readonly boundBytes: number;
}

interface MixedFigures {
  readonly requests: number;
  readonly byClient: Readonly<Record<string, number>>;
  readonly reloads: number;
  readonly kills: number;
  readonly agreement: Agreement;
  /** Null if the run was too short for a line. */
  readonly growth: Growth | null;
  readonly descriptors: { readonly before: number; readonly after: number };
  readonly timers: {
    readonly before: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
  };
  readonly samples: readonly Sample[];
  readonly broken: readonly string[];
  readonly folder: string;
}

/** All failures, at random and at once, for a given time. Then everything is counted, and no resource may be left. */
export async function soakMixed(
  options: MixedSoakOptions,
  onProgress: (text: string) => void = () => {},
): Promise<MixedFigures> {
  const { seed, rate, seconds, program, keepFolder = false } = options;
  const random = new SeededRandom(seed);
  const behind = await startBehind();
  let gateway: ManagedGateway | null = null;
  try {
    const port = await freePort();
    const text = (number: number): string => configurationOf(port, behind, number);
    gateway = await ManagedGateway.start(text(0), program);
    const trouble = new Trouble(gateway, text, random.fork('trouble'), options);
    const clients = new MixedClients({
      random: random.fork('clients'),
      rate,
      port,
      faults: tortureFaults.map(({ name }) => name),
      seen: (id) => behind.origin.seen(id),
    });
    // Resources that are made once and kept, such as modules and caches, are no leak.
    clients.start();
    await passTime(3000);
    await clients.stop();
    const before = await holdings(gateway);
    const samples = await soak(gateway, clients, trouble, seconds, onProgress);
    await trouble.end();
    const after = await settled(gateway, before);
    const metrics = await gateway.metrics();
    await gateway.stop();
    for (const entry of clients.entries) entry.disturbed = trouble.wasNear(entry.endedAt);
    const agreement = agree({ metrics, log: gateway.log(), entries: clients.entries, seen: behind.seen });
    const growth = growthOf(samples, seconds);
    return {
      requests: clients.entries.length,
      byClient: count(clients.entries.map(({ what }) => what.split(' /')[0] ?? what)),
      reloads: trouble.reloads,
      kills: trouble.kills,
      agreement,
      growth,
      descriptors: { before: before.descriptors, after: after.descriptors },
      timers: { before: before.timers, after: after.timers },
      samples,
      broken: [...trouble.failed, ...agreement.broken, ...brokenLeft(before, after, growth)],
      folder: gateway.folder,
    };
  } finally {
    await gateway?.stop();
    await behind.close();
    if (!keepFolder) gateway?.remove();
  }
}

async function soak(
  gateway: ManagedGateway,
  clients: MixedClients,
  trouble: Trouble,
  seconds: number,
  onProgress: (text: string) => void,
): Promise<readonly Sample[]> {
  const began = performance.now();
  const samples: Sample[] = [];
  const elapsed = (): number => (performance.now() - began) / 1000;
  clients.start();
  trouble.begin();
  while (elapsed() < seconds) {
    await passTime(1000);
    const [residentBytes, descriptors] = [gateway.residentBytes(), gateway.descriptors()];
    samples.push({ atS: elapsed(), residentBytes, descriptors });
    onProgress(
      `${elapsed().toFixed(0)} of ${seconds} s, ${clients.entries.length} requests, ${trouble.reloads} reloads, ` +
        `${trouble.kills} workers ended, ${(residentBytes / mebibyte).toFixed(0)} MiB, ${descriptors} descriptors`,
    );
  }
  await trouble.stop();
  await clients.stop();
  return samples;
}

/** Reloads and worker ends, each at its own interval. */
class Trouble {
  reloads = 0;
  kills = 0;
  readonly failed: string[] = [];
  readonly #gateway: ManagedGateway;
  readonly #text: (number: number) => string;
  readonly #random: SeededRandom;
  readonly #options: MixedSoakOptions;
  #running = false;
  readonly #killTimes: { readonly began: number; readonly over: number }[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(
    gateway: ManagedGateway,
    text: (number: number) => string,
    random: SeededRandom,
    options: MixedSoakOptions,
  ) {
    this.#gateway = gateway;
    this.#text = text;
    this.#random = random;
    this.#options = options;
  }

  /**
   * Whether a worker ended at about that time, or shortly before. Records of finished exchanges stay in the worker for
   * the tenth of a second that a batch may wait, and longer on a busy machine.
   */
  wasNear(at: number): boolean {
    return this.#killTimes.some(({ began, over }) => at > began - 1000 && at < over + 1000);
  }

  begin(): void {
    this.#running = true;
    this.#loop = this.#trouble();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  /** Back to the first configuration. */
  async end(): Promise<void> {
    this.#gateway.configure(this.#text(0));
    const why = await this.#gateway.reload();
    if (why !== null) this.failed.push(`the last reload: ${why}`);
  }

  async #trouble(): Promise<void> {
    const { reloadEveryMs, killEveryMs } = this.#options;
    let [reloadAt, killAt] = [performance.now() + reloadEveryMs, performance.now() + killEveryMs];
    while (this.#running) {
      await passTime(50);
      const now = performance.now();
      if (now >= reloadAt) {
        reloadAt = now + reloadEveryMs * (0.5 + this.#random.next());
        await this.#reload();
      }
      if (now >= killAt) {
        killAt = now + killEveryMs * (0.5 + this.#random.next());
        await this.#kill();
      }
    }
  }

  async #reload(): Promise<void> {
    this.reloads++;
    this.#gateway.configure(this.#text(this.reloads));
    const why = await this.#gateway.reload();
    if (why !== null) this.failed.push(`a reload: ${why}`);
  }

  async #kill(): Promise<void> {
    this.kills++;
    const began = performance.now();
    const why = await this.#gateway.endWorker(this.#random.next(), this.#random.pick(['throws', 'exits']));
    this.#killTimes.push({ began, over: performance.now() });
    if (why !== null) this.failed.push(`the end of a worker: ${why}`);
  }
}

interface Behind {
  readonly origin: Awaited<ReturnType<typeof startFaultOrigin>>;
  readonly seen: Map<string, number>;
  readonly places: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

async function startBehind(): Promise<Behind> {
  const seen = new Map<string, number>();
  const origin = await startFaultOrigin({
    faults: tortureFaults,
    onRequest: ({ faultId }) => {
      if (faultId !== null) seen.set(faultId, (seen.get(faultId) ?? 0) + 1);
    },
  });
  const closing = await startFaultOrigin({ atAccept: () => [fin] });
  const talking = await startFaultOrigin({ atAccept: () => [send('220 mail.test ESMTP ready\r\n')] });
  const refusing = await refusingAddress();
  const unanswering = await unansweringAddress();
  const all = { origin: origin.address, closing: closing.address, talking: talking.address, refusing, unanswering };
  const places = Object.fromEntries(Object.entries(all).map(([name, { host, port }]) => [name, `${host}:${port}`]));
  const close = async (): Promise<void> => {
    for (const one of [origin, closing, talking, refusing, unanswering]) await one.close();
  };
  return { origin, seen, places, close };
}

/**
 * Timeouts are short, so that each is met often. There are two or three workers, never only the replacement of a lost
 * one. Two are used only if the kernel does not migrate the accept queue of a closing listener, since it then resets
 * connections when a worker is retired.
 */
function configurationOf(port: number, { places }: Behind, number: number): string {
  const upstreams = Object.entries(places).map(
    ([name, place]) =>
      `  ${name}: { endpoints: ["${place}"], check: none, connections: { max: 512, idle_timeout: 1s } }`,
  );
  return [
    'deployment: mixed.test',
    `listeners: { http: "127.0.0.1:${port}" }`,
    `workers: ${number % 3 === 2 && migratesRequests() === true ? 3 : 2}`,
    'trusted_peers: [127.0.0.0/8]',
    'client: { head_timeout: 1500ms, body_timeout: 1s, rate_grace: 1s, body_rate_min: 100B }',
    `timeouts: { connect: 300ms, response_head: ${500 + (number % 2) * 100}ms, idle: 250ms }`,
    `drain: { timeout: ${3 + (number % 2)}s }`,
    'upstreams:',
    ...upstreams,
    // Bytes that an origin sends without a request look like the answer to the next one: no gateway can distinguish
    // them.
    `  apart: { endpoints: ["${places['origin']}"], check: none, connections: { max: 512, idle_max: 0 } }`,
    'routes:',
    ...(number % 2 === 1 ? ['  - { path: /never, respond: { body: never } }'] : []),
    '  - { path: /refused, to: refusing }',
    '  - { path: /unanswered, to: unanswering }',
    '  - { path: /close-at-accept, to: closing }',
    '  - { path: /talks-first, to: talking }',
    '  - { path: /maintenance, maintenance: true }',
    '  - { path: /fault/surplus-later, to: apart }',
    ...['/ok', '/echo', '/bytes', '/slow', '/fault'].map((path) => `  - { path: ${path}, to: origin }`),
  ].join('\n');
}

interface Holdings {
  readonly descriptors: number;
  /** Of the main thread, and of all workers together. */
  readonly timers: Readonly<Record<string, number>>;
}

async function holdings(gateway: ManagedGateway): Promise<Holdings> {
  // Connections to the origin are idle for a second; a client's lingering connection for two.
  await passTime(3000);
  return lookLong(gateway);
}

/** The maximum of several looks: a periodic timer is there only now and then. */
async function lookLong(gateway: ManagedGateway): Promise<Holdings> {
  let most: Holdings = { descriptors: 0, timers: {} };
  for (let look = 0; look < 5; look++) {
    await passTime(300);
    const timers = timersOf(await gateway.look());
    const more = Object.entries(timers).map(([thread, count]) => [thread, Math.max(count, most.timers[thread] ?? 0)]);
    most = { descriptors: Math.max(most.descriptors, gateway.descriptors()), timers: Object.fromEntries(more) };
  }
  return most;
}

/** The resources after everything has ended, or after half a minute. */
async function settled(gateway: ManagedGateway, before: Holdings): Promise<Holdings> {
  let now = await holdings(gateway);
  for (let left = 24; left > 0 && brokenLeft(before, now, null).length > 0; left--) {
    now = await lookLong(gateway);
  }
  return now;
}

/** Timers of all threads, with the main thread's apart. */
function timersOf(looks: readonly ThreadSnapshot[]): Readonly<Record<string, number>> {
  const main = looks[0]?.resources['Timeout'] ?? 0;
  const workers = looks.slice(1).reduce((sum, { resources }) => sum + (resources['Timeout'] ?? 0), 0);
  return { main, workers };
}

function brokenLeft(before: Holdings, after: Holdings, growth: Growth | null): string[] {
  const more = Object.entries(after.timers).filter(([thread, count]) => count > (before.timers[thread] ?? 0));
  return [
    ...(after.descriptors > before.descriptors
      ? [`${after.descriptors} descriptors are open, and ${before.descriptors} were at the start`]
      : []),
    ...more.map(([thread, timers]) => `${thread}: ${timers} timers run, and ${before.timers[thread]} did at the start`),
    ...(growth !== null && growth.grownBytes > growth.boundBytes
      ? [`memory has grown by ${growth.grownBytes} bytes, and ${growth.boundBytes} are the bound`]
      : []),
  ];
}

/** A line through the resident sizes after the warm-up, which is the first fifth, and five minutes at most. */
export function growthOf(samples: readonly Sample[], seconds: number): Growth | null {
  if (seconds < shortestS) return null;
  const warmS = Math.min(300, seconds / 5);
  const rest = samples.filter(({ atS }) => atS >= warmS);
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanS, meanBytes] = [meanOf(rest.map(({ atS }) => atS)), meanOf(rest.map((one) => one.residentBytes))];
  const across = rest.reduce((sum, { atS, residentBytes }) => sum + (atS - meanS) * (residentBytes - meanBytes), 0);
  const spread = rest.reduce((sum, { atS }) => sum + (atS - meanS) ** 2, 0);
  const grownBytes = Math.round((across / spread) * (rest.at(-1)!.atS - rest[0]!.atS));
  const boundBytes = Math.round(Math.max(16 * mebibyte, meanBytes * 0.05));
  return { samples: rest.length, meanBytes: Math.round(meanBytes), grownBytes, boundBytes };
}

/** The heap grows and shrinks within a minute or two; less than ten minutes are too short for a line. */
const shortestS = 600;

const mebibyte = 1024 * 1024;

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
