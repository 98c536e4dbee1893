import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import type { Method, Outcome, StormClient } from './client.ts';

export interface Load {
  /** Ends when the last request has ended. */
  readonly ended: Promise<readonly Outcome[]>;
  /** By how much each request was sent after it was due: what the load generator itself adds. */
  readonly lateMs: readonly number[];
}

/** The part of requests that are POSTs. */
export const postShare = 1 / 3;

/**
 * Requests at a fixed rate, whatever became of those before: each is sent when it is due, and timed from then. A gateway that
 * stalls is so charged for every request that had to wait.
 */
export function openLoad(
  client: StormClient,
  random: SeededRandom,
  { perSecond, seconds, posts }: { readonly perSecond: number; readonly seconds: number; readonly posts: number },
): Load {
  const lateMs: number[] = [];
  const total = Math.round(perSecond * seconds);
  const sent: Promise<Outcome>[] = [];
  const ended = new Promise<readonly Outcome[]>((resolve) => {
    const turn = (): void => {
      const now = client.nowMs();
      while (sent.length < total) {
        const dueMs = (sent.length * 1000) / perSecond;
        if (dueMs > now) break;
        lateMs.push(now - dueMs);
        sent.push(client.send(methodOf(random, posts), dueMs));
      }
      if (sent.length === total) resolve(Promise.all(sent));
      else setTimeout(turn, 1);
    };
    turn();
  });
  return { ended, lateMs };
}

function methodOf(random: SeededRandom, posts: number): Method {
  return random.next() < posts ? 'POST' : 'GET';
}

/** Between two requests of a client that was answered, on average. */
const thinkMs = 3000;

/** A client that was not told when to come back. */
const retryMs = 1000;

/**
 * Clients that send one request after another: the next one after a while, or, after a failure, when its Retry-After says so.
 */
export function closedLoad(
  client: StormClient,
  random: SeededRandom,
  { clients, seconds, posts }: { readonly clients: number; readonly seconds: number; readonly posts: number },
): Load {
  const lateMs: number[] = [];
  const outcomes: Outcome[] = [];
  const live = async (): Promise<void> => {
    let dueMs = random.next() * thinkMs;
    while (dueMs < seconds * 1000) {
      await until(client, dueMs);
      lateMs.push(client.nowMs() - dueMs);
      const outcome = await client.send(methodOf(random, posts), dueMs);
      outcomes.push(outcome);
      const { result, retryAfterS, endedMs } = outcome;
      const againMs = retryAfterS === null ? retryMs : retryAfterS * 1000;
      dueMs = endedMs + (result === 'ok' ? thinkMs * (0.5 + random.next()) : againMs);
    }
  };
  const ended = Promise.all(Array.from({ length: clients }, live)).then(() => outcomes);
  return { ended, lateMs };
}

function until(client: StormClient, atMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - client.nowMs())));
}
