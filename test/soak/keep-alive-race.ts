import { Agent, request } from 'node:http';
import { setTimeout as passTime } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { ClosingOrigin } from './closing-origin.ts';
import { GatewayProcess } from './gateway-process.ts';

interface RaceOptions {
  readonly clients: number;
  readonly requests: number;
  readonly idleMs: number;
  readonly latencyMs: number;
  /**
   * Whether each client draws its own pauses, or all share each pause. With their own pauses, some client has always
   * used a connection a moment ago, and a pool that takes the newest first seldom takes an old one. With shared pauses,
   * all connections are as old as the pause was long.
   */
  readonly together: boolean;
  /** Each connection of the origin has another idle limit, so that the gateway cannot learn one. */
  readonly unsteady?: boolean;
  readonly seed: string;
  /** `bin/candor` of another installation. */
  readonly program?: string | undefined;
}

interface RaceFigures {
  readonly requests: number;
  /** Requests whose pause ended while closes were in transit: a gateway that reuses connections blindly would have met them. */
  readonly chances: number;
  /** Attempts on a connection that was as old as the shortest pause, or older. */
  readonly lateReuses: number;
  /**
   * Requests on a used connection whose close was in transit: the origin got them after it had closed, and the record
   * has an attempt on a used connection that ended without an answer. Each is counted once.
   */
  readonly raced: number;
  /** Those that only the origin has seen. The record would have hidden them: there may be none. */
  readonly untold: number;
  /** Those that only the record has: the gateway saw the close before it sent anything, or before the request arrived. */
  readonly unseen: number;
  /** Clients that got anything but their own 200. */
  readonly errors: readonly string[];
  /** POSTs that reached the origin more than once, executed or not. */
  readonly postsSeenTwice: number;
  readonly upstreamConnections: number;
}

type OnProgress = (asked: number, errors: number) => void;

/** Pauses around the origin's limit: 0.8 to 1.2 of it. */
const [pauseLeast, pauseMost] = [0.8, 1.2];

/** Clients that alternate GET and POST, with pauses in which the origin may close. Returns what clients and origin saw. */
export async function raceKeepAlive(options: RaceOptions, onProgress: OnProgress = () => {}): Promise<RaceFigures> {
  const { idleMs, latencyMs, unsteady = false } = options;
  const random = new SeededRandom(`${options.seed} origin`);
  const origin = new ClosingOrigin({
    idleMs: () => (unsteady ? idleMs * (0.5 + random.next() * 0.75) : idleMs),
    latencyMs,
  });
  const gateway = await GatewayProcess.start(await origin.listen(), options.program);
  try {
    const played = await playClients(options, gateway.port, onProgress);
    await gateway.stop();
    return { ...played, ...figuresOf(origin, gateway, options) };
  } finally {
    await gateway.stop();
    gateway.remove();
    origin.close();
  }
}

async function playClients(
  { clients, requests, idleMs, latencyMs, together, seed }: RaceOptions,
  port: number,
  onProgress: OnProgress,
): Promise<Pick<RaceFigures, 'requests' | 'chances' | 'errors'>> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const errors: string[] = [];
  let chances = 0;
  let asked = 0;
  const rounds = Math.ceil(requests / clients);
  const ask = async (client: number, round: number): Promise<void> => {
    const error = await exchange(agent, port, (client + round) % 2 === 0 ? 'GET' : 'POST', `/c${client}/r${round}`);
    asked++;
    if (error !== null) errors.push(error);
    if (asked % clients === 0) onProgress(asked, errors.length);
  };
  const draw = (random: SeededRandom): number => idleMs * (pauseLeast + random.next() * (pauseMost - pauseLeast));
  const note = (pauseMs: number, count: number): void => {
    if (pauseMs >= idleMs && pauseMs <= idleMs + latencyMs) chances += count;
  };
  const all = Array.from({ length: clients }, (_, client) => client);
  if (together) {
    const random = new SeededRandom(`${seed} together`);
    for (let round = 0; round < rounds; round++) {
      await Promise.all(all.map((client) => ask(client, round)));
      const pauseMs = draw(random);
      note(pauseMs, clients);
      await passTime(pauseMs);
    }
  } else {
    await Promise.all(
      all.map(async (client) => {
        const random = new SeededRandom(`${seed} ${client}`);
        for (let round = 0; round < rounds; round++) {
          await ask(client, round);
          const pauseMs = draw(random);
          note(pauseMs, 1);
          await passTime(pauseMs);
        }
      }),
    );
  }
  agent.destroy();
  return { requests: asked, chances, errors };
}

/** Everything here answers at once. A client that waits longer has been forgotten. */
const timeoutMs = 15_000;

/** Null if the client got the expected answer. */
function exchange(agent: Agent, port: number, method: string, target: string): Promise<string | null> {
  return new Promise((resolve) => {
    const outgoing = request({ agent, port, host: '127.0.0.1', method, path: target });
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(Object.assign(new Error(), { code: 'no answer' })));
    outgoing.on('error', (error) => resolve(`${method} ${target}: ${(error as NodeJS.ErrnoException).code}`));
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => void (text += part));
      response.on('error', (error) => resolve(`${method} ${target}: ${error.message}`));
      response.on('end', () => {
        const good = response.statusCode === 200 && text === `to ${target}`;
        resolve(good ? null : `${method} ${target}: ${response.statusCode} ${text.slice(0, 400)}`);
      });
    });
    outgoing.end(method === 'POST' ? 'content' : undefined);
  });
}

const staleCauses: ReadonlySet<string> = new Set(['closed_before_response', 'reset_before_response', 'send_failed']);

function figuresOf(
  origin: ClosingOrigin,
  gateway: GatewayProcess,
  { idleMs }: RaceOptions,
): Pick<RaceFigures, 'lateReuses' | 'raced' | 'untold' | 'unseen' | 'postsSeenTwice' | 'upstreamConnections'> {
  let lateReuses = 0;
  const told = new Set<string>();
  for (const { method, path, attempts } of gateway.records()) {
    for (const { reused, idle_ms, cause } of attempts) {
      if (reused && (idle_ms ?? 0) >= idleMs * pauseLeast) lateReuses++;
      if (reused && cause !== null && staleCauses.has(cause)) told.add(`${method} ${path}`);
    }
  }
  const { crossed, connections: upstreamConnections } = origin;
  return {
    lateReuses,
    raced: [...crossed].filter((asked) => told.has(asked)).length,
    untold: [...crossed].filter((asked) => !told.has(asked)).length,
    unseen: [...told].filter((asked) => !crossed.has(asked)).length,
    postsSeenTwice: [...origin.seen].filter(([asked, times]) => asked.startsWith('POST ') && times > 1).length,
    upstreamConnections,
  };
}
