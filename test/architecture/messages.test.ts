import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FromLogger, LoggerInit, ToLogger } from '../../src/core/logger-messages.ts';
import type { FromWorker, ToWorker, WorkerInit } from '../../src/core/worker-messages.ts';

/** What `structuredClone` passes whole, or by reference to the same memory. */
type ClonedWhole = string | number | boolean | bigint | null | undefined | ArrayBuffer | SharedArrayBuffer | Uint8Array;

/**
 * Of a type, the values that do not survive `structuredClone`: functions, symbols, and objects with methods. `never`
 * where all do. Branded strings and numbers are values.
 */
type NotCloneable<T> = T extends ClonedWhole
  ? never
  : T extends symbol | ((...given: never[]) => unknown)
    ? T
    : T extends readonly (infer Item)[]
      ? NotCloneable<Item>
      : T extends object
        ? { [K in keyof T]-?: NotCloneable<T[K]> }[keyof T]
        : T;

type IsCloneable<T> = [NotCloneable<T>] extends [never] ? true : false;

class WithMethod {
  readonly size = 1;
  grow(): number {
    return this.size + 1;
  }
}

test('every message between the planes survives structuredClone', () => {
  // The compiler checks these: `npm run check` fails where a message gets a function.
  const toWorker: IsCloneable<ToWorker> = true;
  const fromWorker: IsCloneable<FromWorker> = true;
  const init: IsCloneable<WorkerInit> = true;
  const toLogger: IsCloneable<ToLogger> = true;
  const fromLogger: IsCloneable<FromLogger> = true;
  const loggerInit: IsCloneable<LoggerInit> = true;
  assert.ok(toWorker && fromWorker && init && toLogger && fromLogger && loggerInit);
});

test('a function, a symbol or an object with methods in a message is seen, however deep', () => {
  const deep: IsCloneable<{ kind: 'prepare'; list: readonly { on?: () => void }[] }> = false;
  const symbol: IsCloneable<{ tag: symbol }> = false;
  const object: IsCloneable<{ batch: WithMethod }> = false;
  assert.ok(!deep && !symbol && !object);
  assert.throws(() => structuredClone({ grow: () => 1 }), { name: 'DataCloneError' });
  assert.equal('grow' in structuredClone(new WithMethod()), false);
});
