import * as z from 'zod';
import type { Described } from './inferred.ts';

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
  .describe('The store cannot be written since then, and what is newer is not found; null: it is written.');

export type StoreFailingJson = NonNullable<Described<typeof storeFailing>>;

/** A schema of what is stricter in code than JSON schema can say: the type is `T`. */
export function typed<T>(schema: z.ZodType): z.ZodType<T> {
  return schema as z.ZodType<T>;
}
