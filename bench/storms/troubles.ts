import type { CheckMode, OriginMode } from './origin-messages.ts';
import type { Origins } from './origins.ts';

/** What a storm may change while requests come. */
export interface StormContext {
  readonly origins: Origins;
  readonly seconds: number;
  /** Resolves at this millisecond of the storm. */
  readonly until: (ms: number) => Promise<void>;
  /** Trouble begins now, once more, or is over now. */
  readonly begin: () => void;
  readonly over: () => void;
}

export type Trouble = (context: StormContext) => Promise<void>;

/** From one restart to the next, and how long a program needs until it listens. */
const restartEveryMs = 5000;
const bootMs = 1000;

/** Time for the last one to be over. */
const afterRestartMs = 2000;

export function restarts(how: 'finish' | 'die'): Trouble {
  return async ({ origins, seconds, until, begin }) => {
    const last = seconds * 1000 - afterRestartMs;
    for (let restart = 0, atMs = 1000; atMs <= last; restart++, atMs += restartEveryMs) {
      await until(atMs);
      begin();
      await origins.end(restart % origins.count, how);
      await origins.boot(restart % origins.count, bootMs);
    }
  };
}

/** A quarter of the storm is calm, then these origins are in trouble for half of it. */
function forHalf(
  set: (context: StormContext) => Promise<void>,
  reset: (context: StormContext) => Promise<void>,
): Trouble {
  return async (context) => {
    const { seconds, until, begin, over } = context;
    await until(seconds * 250);
    begin();
    await set(context);
    await until(seconds * 750);
    over();
    await reset(context);
  };
}

export function failing(mode: OriginMode, check?: CheckMode): Trouble {
  return forHalf(
    ({ origins }) => origins.set(0, mode, check),
    ({ origins }) => origins.set(0, 'good'),
  );
}

export const refuses = forHalf(
  ({ origins }) => origins.listen(0, false),
  ({ origins }) => origins.listen(0, true),
);

export const checksFail = forHalf(
  async ({ origins }) => void (await Promise.all(all(origins).map((index) => origins.set(index, 'good', 'fails')))),
  async ({ origins }) => void (await Promise.all(all(origins).map((index) => origins.set(index, 'good')))),
);

/** All origins are killed after 3 s, and listen again 5 s before the end. */
export async function outage({ origins, seconds, until, begin, over }: StormContext): Promise<void> {
  await until(3000);
  begin();
  await Promise.all(all(origins).map((index) => origins.end(index, 'die')));
  await until(Math.max(4, seconds - 5) * 1000);
  await Promise.all(all(origins).map((index) => origins.boot(index, 0)));
  over();
}

export async function singleRestart({ origins, until, begin }: StormContext): Promise<void> {
  await until(2000);
  begin();
  await origins.end(0, 'die');
  await origins.boot(0, 2000);
}

/** Trouble that neither begins nor ends: the load itself, or clients. */
export const always: Trouble = async () => {};

export const unevenOrigin: Trouble = async ({ origins }) => origins.set(0, 'uneven');

function all({ count }: Origins): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
