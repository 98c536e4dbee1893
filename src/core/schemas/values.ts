import * as z from 'zod';
import type { StoreFailingJson } from '../store-messages.ts';

export const text = z.string();
export const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC.');
export const nullableText = z.string().nullable();
export const count = z.int().min(0);

export const timedOut = z
  .boolean()
  .describe(
    'The search ended because its 200 ms were over, before the page was full: with `cursor` or `end` it goes on.',
  );

export const storeFailing = z
  .object({ since: time, reason: text })
  .nullable()
  .describe(
    'The store cannot be written since then, and what is newer is not found; null: it is written.',
  ) satisfies z.ZodType<StoreFailingJson | null>;

/** The type that a schema describes. If the type gets a key that its schema lacks or contradicts, this no longer compiles. */
export type Fits<T extends U, U> = T;

export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
