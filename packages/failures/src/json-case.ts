/**
 * The only conversion between names in code (camelCase) and keys of JSON (snake_case). All JSON that the program prints or serves
 * passes it, except the exchange log, whose writer has its own keys.
 */

/** 'retryAfterS' as 'retry_after_s'. */
type SnakeKey<K> = K extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeKey<Rest>}`
  : K;

/** The result type of `snakeCased` for `T`. */
export type SnakeCased<T> = T extends readonly unknown[]
  ? { readonly [I in keyof T]: SnakeCased<T[I]> }
  : T extends object
    ? { readonly [K in keyof T as SnakeKey<K>]: SnakeCased<T[K]> }
    : T;

/** Copies `value`, which is plain data, with the keys of its objects in snake_case. */
export function snakeCased<T>(value: T): SnakeCased<T> {
  return withKeys(value, snakeKey) as SnakeCased<T>;
}

/** The inverse of `snakeCased`. */
export function camelCased(value: unknown): unknown {
  return withKeys(value, camelKey);
}

export function snakeKey(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function camelKey(key: string): string {
  return key.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function withKeys(value: unknown, nameOf: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((element) => withKeys(element, nameOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [nameOf(key), withKeys(inner, nameOf)]));
}
