import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type Configuration, type Kind, type MeasuredCall } from './kinds.ts';
import { type Profile, troubleMs, troubleStartMs } from './profiles.ts';
import { clock, noteWork, passUntil, seedRandom } from './simulated-time.ts';
import { honoursKeys, TroubleOrigin } from './trouble-origin.ts';

export interface ClientRow {
  readonly profile: string;
  readonly kind: string;
  readonly configuration: Configuration;
  readonly clients: number;
  readonly calls: number;
  readonly succeeded: number;
  /** Requests that the origin received. */
  readonly requests: number;
  /** Connections that were refused. */
  readonly refused: number;
  /** POSTs that were executed twice or more, with origins that ignore keys, and with those that honour them. */
  readonly doubled: number;
  /** Of calls that began in the trouble, until they ended in either way. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /**
   * From when the service was back for a client until the client's last call ended that failed or had begun in the trouble: after it nothing
   * reminds of the trouble. Of the client that took longest.
   */
  readonly recoveryMs: number;
  /** The highest rate in a tenth of a second after the trouble, in multiples of the usual one. */
  readonly peak: number;
  /** Requests in each second. */
  readonly perSecond: readonly number[];
}

interface MeasuredSize {
  readonly clients: number;
  /** Between two calls of a client. */
  readonly everyMs: number;
  readonly seed: string;
}

/** Calls begin until then; after it, those under way end. */
const callsUntilMs = 28_000;
/** Libraries that wait for longer are not waited for: their calls have failed. */
const measuredMs = 120_000;
/** Of simulated time. */
const stepMs = 10;

interface Ended {
  readonly client: number;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly ok: boolean;
}

/** Plays one profile with as many clients of one kind, each with connections, breakers and budgets of its own. */
export async function measureClients(
  profile: Profile,
  kind: Kind,
  configuration: Configuration,
  { clients, everyMs, seed }: MeasuredSize,
): Promise<ClientRow> {
  seedRandom(`${seed}/libraries`);
  const random = new SeededRandom(`${seed}/calls`);
  const origin = new TroubleOrigin(profile, `${seed}/origin`);
  const start = clock.now();
  const ended: Ended[] = [];
  let calls = 0;

  function client(number: number): void {
    const world = { connect: origin.connect.bind(origin), honoursKeys: honoursKeys(number) };
    const send = kind.make(world, configuration);
    let sent = 0;
    const next = (): void => {
      if (origin.nowMs >= callsUntilMs) return;
      setTimeout(next, everyMs);
      calls++;
      const method = random.next() < 1 / 3 ? 'POST' : 'GET';
      void call({
        url: `http://origin-${number}.test/`,
        method,
        headers: headersOf(`${number}-${sent++}`, method, kind.name, configuration),
        body: method === 'POST' ? 'an order' : undefined,
      });
    };
    const call = async (what: MeasuredCall): Promise<void> => {
      noteWork();
      const beganMs = origin.nowMs;
      const ok = await send(what).then(
        (status) => status === 200,
        () => false,
      );
      noteWork();
      ended.push({ client: number, beganMs, endedMs: origin.nowMs, ok });
    };
    setTimeout(next, random.integer(everyMs));
  }

  for (let number = 0; number < clients; number++) client(number);
  await passUntil(start + troubleStartMs, stepMs);
  origin.loseConnections();
  while (origin.nowMs < callsUntilMs || (ended.length < calls && origin.nowMs < measuredMs))
    await passUntil(clock.now() + 500, stepMs);

  return {
    ...{ profile: profile.name, kind: kind.name, configuration, clients, calls },
    succeeded: ended.filter(({ ok }) => ok).length,
    requests: origin.requests,
    refused: origin.refused,
    doubled: origin.executedTwice,
    ...timesOf(ended),
    recoveryMs:
      ended.length < calls ? Number.POSITIVE_INFINITY : recoveryOf(ended, (client) => origin.backMsOf(client)),
    peak: peakOf(origin.perTenth, (clients * 1000) / everyMs),
    perSecond: perSecondOf(origin.perTenth),
  };
}

/** People who retry POST send a key; candor-client makes its own where it is declared to be honoured. */
function headersOf(id: string, method: string, kind: string, configuration: Configuration): Record<string, string> {
  const hasKey = method === 'POST' && configuration === 'configured' && kind !== 'candor-client';
  return {
    'x-call': id,
    ...(method === 'POST' ? { 'content-type': 'text/plain' } : {}),
    ...(hasKey ? { 'idempotency-key': `"${id}"` } : {}),
  };
}

const troubleEndMs = troubleStartMs + troubleMs;

function timesOf(ended: readonly Ended[]): { p50Ms: number; p99Ms: number } {
  const times = ended
    .filter(({ beganMs }) => beganMs >= troubleStartMs && beganMs < troubleEndMs)
    .map(({ beganMs, endedMs }) => endedMs - beganMs)
    .sort((a, b) => a - b);
  const at = (share: number): number => Math.round(times[Math.floor(share * (times.length - 1))] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function recoveryOf(ended: readonly Ended[], backMsOf: (client: number) => number): number {
  const late = ended
    .filter(({ beganMs, ok }) => !ok || beganMs < troubleEndMs)
    .map(({ client, endedMs }) => endedMs - backMsOf(client));
  return Math.round(late.reduce((a, b) => Math.max(a, b), 0));
}

function peakOf(perTenth: readonly number[], usualPerSecond: number): number {
  const most = perTenth.slice(troubleEndMs / 100).reduce((a, b) => Math.max(a, b), 0);
  return Math.round((most * 100) / usualPerSecond) / 10;
}

function perSecondOf(perTenth: readonly number[]): readonly number[] {
  return Array.from({ length: Math.ceil(perTenth.length / 10) }, (_, second) =>
    perTenth.slice(second * 10, second * 10 + 10).reduce((a, b) => a + b, 0),
  );
}
