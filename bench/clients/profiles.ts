import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { answer, pause, reset, type Step } from '../../src/testing/origin-script.ts';

/** What the origin does with one request during the trouble. */
interface Trouble {
  /** Whether the work of the request is done, whatever the answer says. */
  readonly executes: boolean;
  readonly steps: readonly Step[];
  /** When the client may come back at the earliest, from now. */
  readonly askedWaitMs?: number;
}

export interface Profile {
  readonly name: string;
  /** What the origin does meanwhile, after "The origin …". */
  readonly does: string;
  /** Connections are refused. */
  readonly refuses?: boolean;
  /** Null: the request is served as always. */
  trouble(facts: TroubleFacts): Trouble | null;
}

interface TroubleFacts {
  readonly client: number;
  /** Since the trouble began. */
  readonly sinceMs: number;
  readonly random: SeededRandom;
  /** When the client's last request was admitted, in this profile's own quota; to be changed. */
  readonly quota: Map<number, number>;
}

/** The trouble begins after this time, and then lasts as long. */
export const troubleStartMs = 6000;
export const troubleMs = 10_000;

/** How long the service works at a request. */
export const workMs = 50;

const retryAfterSeconds = 2;
const quotaWindowMs = 5000;

const busy = (headers: readonly string[] = []): readonly Step[] => [
  pause(1),
  ...answer('503 Service Unavailable', 'busy\n', headers),
];

export const profiles: readonly Profile[] = [
  {
    name: 'outage, 503',
    does: `answers 503 with \`Retry-After: ${retryAfterSeconds}\` to everything`,
    trouble: () => ({
      executes: false,
      steps: busy([`Retry-After: ${retryAfterSeconds}`]),
      askedWaitMs: retryAfterSeconds * 1000,
    }),
  },
  {
    name: 'outage, refused',
    does: 'is gone: connections are refused',
    refuses: true,
    trouble: () => null,
  },
  {
    name: '30 % 503',
    does: 'answers 503 to 30 % of the requests; half of these it has executed before a service behind it failed',
    trouble: ({ random }) => (random.next() < 0.3 ? { executes: random.next() < 0.5, steps: busy() } : null),
  },
  {
    name: 'latency × 50',
    does: `takes ${(workMs * 50) / 1000} s for each answer in place of ${workMs} ms`,
    trouble: () => ({ executes: true, steps: [pause(workMs * 50), ...answer('200 OK', 'done\n')] }),
  },
  {
    name: 'reset after the request',
    does: 'executes 30 % of the requests and then resets their connection without an answer',
    trouble: ({ random }) => (random.next() < 0.3 ? { executes: true, steps: [pause(workMs), reset] } : null),
  },
  {
    name: '429',
    does: `lets each client have one request in ${quotaWindowMs / 1000} s, and answers 429 with RateLimit to the others`,
    trouble: ({ client, sinceMs, quota }) => {
      const window = Math.floor(sinceMs / quotaWindowMs);
      if (quota.get(client) !== window) {
        quota.set(client, window);
        return null;
      }
      const seconds = Math.ceil(((window + 1) * quotaWindowMs - sinceMs) / 1000);
      const fields = ['RateLimit-Policy: "client";q=1;w=5', `RateLimit: "client";r=0;t=${seconds}`];
      return {
        executes: false,
        steps: [pause(1), ...answer('429 Too Many Requests', 'later\n', fields)],
        askedWaitMs: seconds * 1000,
      };
    },
  },
];
