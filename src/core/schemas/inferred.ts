import type * as z from 'zod';

/** The type of what a schema describes, in JSON. */
export type Described<S extends z.ZodType> = ReadonlyDeep<z.infer<S>>;

/** The same with names as in code: what `snakeCased` makes JSON of. */
export type Named<S extends z.ZodType> = CamelCased<z.infer<S>>;

/** What may be absent has no `undefined`, and nothing is written to. */
type ReadonlyDeep<T> = T extends readonly unknown[]
  ? { readonly [I in keyof T]: ReadonlyDeep<T[I]> }
  : T extends object
    ? { readonly [K in keyof T]: ReadonlyDeep<Exclude<T[K], undefined>> }
    : T;

type CamelCased<T> = T extends readonly unknown[]
  ? { readonly [I in keyof T]: CamelCased<T[I]> }
  : T extends object
    ? { readonly [K in keyof T as CamelKey<K>]: CamelCased<Exclude<T[K], undefined>> }
    : T;

type CamelKey<K> = K extends `${infer Head}_${infer First}${infer Rest}`
  ? `${Head}${Uppercase<First>}${CamelKey<Rest>}`
  : K;
