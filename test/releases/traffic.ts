import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, RouteName } from './answer.ts';
import { sendRequest } from './client-request.ts';
import { HoldUps } from './hold-ups.ts';
import { type Call, ClientMemory, extraCalls, lateMs, routeForms } from './routes.ts';

const clientCount = 20;
const stopMs = 6000;
/** Of requests in flight, so that a server that answers nothing does not fill this process. */
const openMax = 1500;
const extraPerSecond = 5;
const retryCount = 4;
const sessionRoutes: readonly RouteName[] = ['cart', 'add', 'checkout', 'account'];
const weights = Object.entries(routeForms).map(([route, { weight }]) => [route as RouteName, weight] as const);
const weightSum = weights.reduce((sum, [, weight]) => sum + weight, 0);

/**
 * The clients of the shop: requests come at a rate whatever the answers are (open loop), from addresses 127.0.50.x, over connections
 * that are kept. Each answer is compared with what the old release would have said.
 */
export class Traffic {
  readonly answers: Answer[] = [];
  /** Requests in a second. */
  perSecond = 100;
  #port: number;
  readonly #memories = Array.from({ length: clientCount }, (_, index) => new ClientMemory(`u${index + 1}`));
  readonly #agents = new Map<string, Agent>();
  readonly #startedAt = performance.now();
  readonly #random: (below: number) => number;
  readonly #holdUps = new HoldUps();
  #open = 0;
  #isRunning = true;
  #extra: 'broken' | 'retrying' | null = null;

  constructor(port: number, seed = 1) {
    this.#port = port;
    this.#random = randomOf(seed);
    for (const memory of this.#memories) void this.#send(memory, this.#callOf('login', memory));
    void this.#run();
  }

  /** New requests go to this port of 127.0.0.1. The clients remember their sessions, orders and pages. Returns the time of it. */
  moveTo(port: number): number {
    this.#port = port;
    this.#agents.clear();
    return performance.now() - this.#startedAt;
  }

  /** A client more, whose requests the old release answers with errors. */
  addClient(client: 'broken' | 'retrying'): void {
    if (this.#extra === null) void this.#runExtra(client);
    this.#extra = client;
  }

  /** Sends nothing more, and waits for the answers that are due. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    const until = performance.now() + stopMs;
    while (this.#open > 0 && performance.now() < until) await sleep(20);
    for (const agent of this.#agents.values()) agent.destroy();
    this.#holdUps.stop();
  }

  async #run(): Promise<void> {
    let next = performance.now() + 200;
    while (this.#isRunning) {
      const now = performance.now();
      // A client process that was held up does not send all at once what it could not send.
      if (next < now - 100) next = now;
      if (next > now) await sleep(next - now);
      if (!this.#isRunning) return;
      next += (-Math.log(1 - this.#random(1e9) / 1e9) * 1000) / this.perSecond;
      const memory = this.#memories[this.#random(clientCount)];
      if (memory !== undefined && this.#open < openMax) void this.#send(memory, this.#nextCall(memory));
    }
  }

  async #runExtra(client: 'broken' | 'retrying'): Promise<void> {
    const memory = new ClientMemory(client === 'broken' ? 'u99' : 'u98');
    for (let turn = 0; this.#isRunning; turn++) {
      for (let retry = 0; this.#isRunning && retry <= (client === 'retrying' ? retryCount : 0); retry++)
        await this.#send(memory, extraCalls[client](turn));
      await sleep(1000 / extraPerSecond);
    }
  }

  #nextCall(memory: ClientMemory): Call {
    let at = (this.#random(1e9) / 1e9) * weightSum;
    const found = weights.find(([, weight]) => (at -= weight) < 0)?.[0] ?? 'home';
    const needsSession = memory.cookie === null && sessionRoutes.includes(found);
    return this.#callOf(needsSession ? 'login' : found, memory);
  }

  /** The page at the root where the client does not know of an asset or an order. */
  #callOf(route: RouteName, memory: ClientMemory): Call {
    const call = routeForms[route]?.call(memory, this.#random);
    return call == null ? this.#callOf('home', memory) : { ...call, route };
  }

  async #send(memory: ClientMemory, call: Call): Promise<void> {
    this.#open++;
    const sentAt = performance.now();
    const client = `127.0.50.${memory.user.slice(1)}`;
    const attempt = () => sendRequest(this.#agentOf(client), this.#port, call);
    let outcome = await attempt();
    // As browsers do.
    if (outcome.fault === 'stale') outcome = await attempt();
    this.#open--;
    const ms = performance.now() - sentAt;
    const failure = outcome.fault === 'stale' ? 'reset' : outcome.fault;
    const isLate = ms - this.#holdUps.between(sentAt, sentAt + ms) > lateMs(call.route);
    const version = outcome.headers['x-test-version'];
    this.answers.push({
      at: sentAt - this.#startedAt,
      route: call.route,
      path: call.path,
      client,
      status: outcome.status,
      version: version === undefined ? null : String(version),
      ms,
      fault: failure ?? call.check(outcome) ?? (isLate ? 'late' : null),
    });
  }

  #agentOf(client: string): Agent {
    const agent = this.#agents.get(client) ?? new Agent({ keepAlive: true, localAddress: client });
    this.#agents.set(client, agent);
    return agent;
  }
}

/** Numbers by chance from a seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
