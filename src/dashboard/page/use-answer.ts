import { useEffect, useRef, useState } from 'preact/hooks';
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
  /** The inputs that the answer is of. */
  const answered = useRef<readonly unknown[] | null>(null);
  const done = actionsDone.value;
  const isThere = connection.value.kind === 'live';
  useEffect(() => {
    let isVoid = false;
    let cancel = (): void => {};
    const later = (next: Answer<T>): void => {
      if (everyMs !== null && next.kind !== 'not_offered') cancel = pageClock.after(everyMs, () => void run());
    };
    const run = async (): Promise<void> => {
      const next = await ask();
      if (isVoid) return;
      // While the gateway is away, the page keeps what it has and says that it is stale; not what it has of something else.
      const hasOwn = answered.current !== null && answered.current.every((input, index) => input === inputs[index]);
      if (next.kind === 'unreachable' && hasOwn) return later(next);
      answered.current = inputs;
      setAnswer(next);
      later(next);
    };
    void run();
    return () => {
      isVoid = true;
      cancel();
    };
  }, [...inputs, done, isThere]);
  return answer;
}
