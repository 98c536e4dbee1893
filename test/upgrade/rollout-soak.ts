import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { programOf } from '../../bench/deploys/programs.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { freePort } from '../free-port.ts';
import { ManagedGateway } from '../soak/managed-gateway.ts';
import { SteadyLoad } from '../steady-load.ts';

interface RolloutSoakOptions {
  readonly reloads: number;
  readonly kills: number;
  readonly upgrades: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seed: string;
  /** The folder with configuration and log is kept. */
  readonly keepFolder?: boolean;
}

type Change = 'reload' | 'kill' | 'upgrade';

interface RolloutSoakFigures {
  readonly requests: number;
  readonly rollouts: number;
  /** How many changes came in each state of a rollout. */
  readonly changesIn: Readonly<Record<string, number>>;
  /** By the change that went on, and the kind. */
  readonly failures: SteadyLoad['failures'];
  /** Broken promises. */
  readonly broken: readonly string[];
  readonly folder: string;
}

/** A rollout that goes on, as the admin API shows it. */
interface RolloutShown {
  readonly id: number;
  readonly strategy: string;
  readonly state: string;
  readonly share: number;
  readonly judgement: Readonly<Record<'old' | 'fresh', { readonly requests: number }>> | null;
}

interface ReleasesShown {
  readonly in_force: string | null;
  readonly rollout: RolloutShown | null;
  readonly rollouts: readonly { readonly state: string; readonly reason: string | null }[];
}

const program = programOf('node', 'gracefully');

/** Between a change and the next one, at most. */
const restMsMax = 1500;
const watchEveryMs = 100;
/** The effects of a change may end after it. */
const settleMs = 500;

/** The configuration is another one after each reload, in routes, timeouts and workers, and never has a single worker. */
function configurationOf(number: number, port: number): string {
  return [
    'deployment: soak.test',
    `listeners: { http: "127.0.0.1:${port}" }`,
    `workers: ${[2, 3][number % 2]}`,
    `timeouts: { response_head: ${20 + (number % 4)}s }`,
    // A download takes five seconds.
    'drain: { lame_duck: 1ms, timeout: 8s }',
    'applications:',
    '  web:',
    `    command: ${JSON.stringify(program.command)}`,
    '    instances: 2',
    '    readiness: { path: /, interval: 50ms }',
    '    releases: { steps: [20% 5s, 50% 5s], bake: 4s, warm: 1s }',
    'routes:',
    ...(number % 3 === 0 ? ['  - { path: /never, respond: { body: never } }'] : []),
    '  - { path: /, to: web }',
  ].join('\n');
}

/** Rollouts one after the other, with canary and blue_green by turns, while the gateway is reloaded, upgraded and loses workers. */
export async function rolloutSoak(
  options: RolloutSoakOptions,
  onProgress: (text: string) => void = () => {},
): Promise<RolloutSoakFigures> {
  const port = await freePort();
  const gateway = await ManagedGateway.start(configurationOf(0, port), undefined, {
    [program.file]: program.textOf('v0'),
  });
  const soak = new RolloutSoak(gateway, port, options);
  try {
    return await soak.run(onProgress);
  } finally {
    await soak.load.stop();
    await gateway.stop();
    if (options.keepFolder !== true) gateway.remove();
  }
}

class RolloutSoak {
  readonly load: SteadyLoad;
  readonly #gateway: ManagedGateway;
  readonly #port: number;
  readonly #options: RolloutSoakOptions;
  readonly #random: SeededRandom;
  readonly #broken: string[] = [];
  readonly #changesIn: Record<string, number> = {};
  #phase = '';
  #reloads = 0;
  #deployed = 0;
  #isOver = false;
  /** That may answer. */
  #versions: ReadonlySet<string> = new Set(['v0']);

  constructor(gateway: ManagedGateway, port: number, options: RolloutSoakOptions) {
    this.#gateway = gateway;
    this.#port = port;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    const [versions, phase] = [(): ReadonlySet<string> => this.#versions, (): string => this.#phase];
    this.load = new SteadyLoad({ port, rate: options.rate, hasSockets: true, versions, phase });
  }

  async run(onProgress: (text: string) => void): Promise<RolloutSoakFigures> {
    await this.#gateway.applicationsReady(2);
    this.load.start();
    await passTime(restMsMax);
    const watching = this.#watch();
    const changes = this.#shuffled();
    for (const [done, change] of changes.entries()) {
      if (!(await this.#isRollingOut())) await this.#deploy();
      await passTime(this.#random.integer(restMsMax));
      const state = await this.#disturb(change);
      this.#changesIn[state] = (this.#changesIn[state] ?? 0) + 1;
      onProgress(`${done + 1} of ${changes.length} changes: ${change} while ${state}, ${this.load.sent} requests`);
    }
    while (await this.#isRollingOut()) await passTime(100);
    this.#isOver = true;
    await Promise.all([watching, this.load.stop()]);
    for (const [kind, { count, example }] of this.load.failures)
      if (!lostWithWorker.has(kind)) this.#broken.push(`${count} × ${kind}: ${example}`);
    const { sent: requests, failures } = this.load;
    return {
      requests,
      rollouts: this.#deployed,
      changesIn: this.#changesIn,
      failures,
      broken: this.#broken,
      folder: this.#gateway.folder,
    };
  }

  #shuffled(): readonly Change[] {
    const { reloads, kills, upgrades } = this.#options;
    const all = [
      ...Array<Change>(reloads).fill('reload'),
      ...Array<Change>(kills).fill('kill'),
      ...Array<Change>(upgrades).fill('upgrade'),
    ];
    return all
      .map((change) => ({ change, at: this.#random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ change }) => change);
  }

  async #shown(): Promise<ReleasesShown> {
    for (let looks = 0; looks < 200; looks++) {
      const shown = await this.#gateway.admin<{ applications: ReleasesShown[] }>('GET', '/v1/releases');
      if (shown?.applications[0] !== undefined) return shown.applications[0];
      await passTime(50);
    }
    throw new Error('the admin API does not answer');
  }

  /** What has ended must be promoted. */
  async #isRollingOut(): Promise<boolean> {
    const { rollout, rollouts, in_force: inForce } = await this.#shown();
    if (rollout !== null) return true;
    const version = `v${this.#deployed}`;
    const [last] = rollouts;
    if (this.#deployed > 0 && (inForce !== version || last?.state !== 'promoted'))
      throw new Error(`${version} was ${last?.state}: ${last?.reason}; ${inForce} is in force`);
    this.#versions = new Set([version]);
    return false;
  }

  async #deploy(): Promise<void> {
    const [old, fresh] = [`v${this.#deployed}`, `v${this.#deployed + 1}`];
    this.#versions = new Set([old, fresh]);
    const folder = join(this.#gateway.folder, 'next');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, program.file), program.textOf(fresh));
    const strategy = this.#deployed % 2 === 0 ? 'canary' : 'blue_green';
    const from = { kind: 'folder', path: folder };
    const order = { application: 'web', name: fresh, from, strategy };
    if ((await this.#gateway.admin('POST', '/v1/releases/deploy', order)) === null)
      throw new Error(`${fresh} was not deployed`);
    this.#deployed += 1;
  }

  /** A rollout that goes on has no less of anything than it had a moment before, also with another process. */
  async #watch(): Promise<void> {
    let before: RolloutShown | null = null;
    while (!this.#isOver) {
      const { rollout } = await this.#shown();
      if (rollout !== null && rollout.id === before?.id)
        for (const what of lostBetween(before, rollout))
          this.#broken.push(`${this.#phase} while ${before.strategy} ${before.state}: ${what}`);
      before = rollout;
      await passTime(watchEveryMs);
    }
  }

  /** Makes the change, and returns the state of the rollout before. */
  async #disturb(change: Change): Promise<string> {
    const { rollout } = await this.#shown();
    this.#phase = change;
    const why = await this.#make(change);
    if (why !== null) this.#broken.push(`${change}: ${why}`);
    await passTime(settleMs);
    this.#phase = '';
    return rollout === null ? 'over' : `${rollout.strategy} ${rollout.state}`;
  }

  #make(change: Change): Promise<string | null> {
    if (change === 'upgrade') return this.#gateway.upgrade();
    if (change === 'kill') return this.#gateway.endWorker(this.#random.next(), this.#random.pick(['throws', 'exits']));
    this.#reloads += 1;
    this.#gateway.configure(configurationOf(this.#reloads, this.#port));
    return this.#gateway.reload();
  }
}

const order = ['preparing', 'starting', 'shifting', 'baking'];

/** What a rollout that goes on has less of than before. A rollout that compares again gives up a part of its share. */
function lostBetween(before: RolloutShown, after: RolloutShown): readonly string[] {
  if (after.state === 'comparing' || before.state === 'comparing') return [];
  const counts = ({ judgement }: RolloutShown): Readonly<Record<string, number>> => ({
    'requests of the new release': judgement?.fresh.requests ?? 0,
    'requests of the old release': judgement?.old.requests ?? 0,
  });
  const pairs: readonly (readonly [string, number, number])[] = [
    ['state', order.indexOf(before.state), order.indexOf(after.state)],
    ['share', before.share, after.share],
    ...Object.entries(counts(before)).map(([name, count]) => [name, count, counts(after)[name] ?? 0] as const),
  ];
  return pairs.flatMap(([name, old, now]) => (now < old ? [`${name}: ${old} before, ${now} after`] : []));
}

/** What a worker that ends may take with it: its own connections. */
const lostWithWorker: ReadonlySet<string> = new Set(
  ['GET', 'POST', 'download'].flatMap((what) =>
    ['reset', 'reset on a kept connection', 'cut off'].map((kind) => `kill, ${what}: ${kind}`),
  ),
);
