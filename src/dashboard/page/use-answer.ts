import { useEffect, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { pageClock } from '../system.ts';
import { actionsDone, connection } from './state.ts';

/**
 * Asks when the component appears, whenever one of `inputs` changes, after each action of the operator, and every `everyMs`. A later
 * question makes an earlier answer void. Null: there is none yet.
 */
export function useAnswer<T>(
  ask: () => Promise<Answer<T>>,
  inputs: readonly unknown[],
  everyMs: number | null = null,
): Answer<T> | null {
  const [answer, setAnswer] = useState<Answer<T> | null>(null);
  const done = actionsDone.value;
  const isThere = connection.value.kind === 'live';
  useEffect(() => {
    let isVoid = false;
    let cancel = (): void => {};
    const run = async (): Promise<void> => {
      const next = await ask();
      if (isVoid) return;
      // While the gateway is away, the page keeps what it has and says that it is stale.
      setAnswer((before) => (next.kind === 'unreachable' && before !== null ? before : next));
      if (everyMs !== null && next.kind !== 'not_offered') cancel = pageClock.after(everyMs, () => void run());
    };
    void run();
    return () => {
      isVoid = true;
      cancel();
    };
  }, [...inputs, done, isThere]);
  return answer;
}
