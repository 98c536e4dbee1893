import type { PathMatch } from './path-match.ts';

/** What a value must be like. */
export type ValueTest =
  | { readonly kind: 'present' | 'absent' }
  | { readonly kind: 'is' | 'prefix' | 'suffix' | 'pattern'; readonly value: string };

/** A header, a cookie, or a parameter of the query, of whose values one must pass all tests. */
interface ValueCondition<K extends 'header' | 'cookie' | 'query'> {
  readonly kind: K;
  /** Of a header in lowercase. */
  readonly name: string;
  readonly tests: readonly ValueTest[];
}

/** What a request must be like beside its host, path and method. */
export type RequestCondition =
  | PlainCondition
  /** Not all of them hold. */
  | { readonly kind: 'not'; readonly of: readonly PlainCondition[] }
  /** Of one entry all hold. */
  | { readonly kind: 'any'; readonly of: readonly (readonly PlainCondition[])[] };

export type PlainCondition =
  | ValueCondition<'header'>
  | ValueCondition<'cookie'>
  | ValueCondition<'query'>
  /** In CIDR notation. */
  | { readonly kind: 'client_address'; readonly networks: readonly string[] }
  /** The names of listeners. */
  | { readonly kind: 'listener'; readonly names: readonly string[] }
  | { readonly kind: 'scheme'; readonly scheme: 'http' | 'https' }
  /** Within `any` and `not` alone. */
  | { readonly kind: 'host'; readonly hosts: readonly string[] }
  | { readonly kind: 'path'; readonly paths: readonly PathMatch[] }
  | { readonly kind: 'method'; readonly methods: readonly string[] };
