import { shapes, whoses } from '#failures/shape.ts';
import { armNames } from './endpoint-release.ts';
import { stages } from '#failures/stage.ts';

/** What a search asks for: exchanges, or lines that applications have printed, that fulfil every condition. */
export interface Query {
  readonly conditions: readonly QueryCondition[];
  /** Milliseconds since 1970; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
}

/** Keys whose value is compared as text. `*` at the end stands for any rest. */
export const textKeys = [
  'id',
  'trace',
  'route',
  'upstream',
  'endpoint',
  'application',
  'release',
  'arm',
  'client',
  'user',
  'host',
  'path',
  'method',
  'cause',
  'shape',
  'whose',
  'stage',
  'grpc',
  'type',
  'end',
  'member',
  'kind',
  'instance',
  'stream',
] as const;
export type TextKey = (typeof textKeys)[number];

/** All keys of a query, as people write them. */
export const queryKeys: readonly string[] = ['status', 'duration', 'since', 'until', ...textKeys];

/** Keys with few values, which are checked: a typing mistake would find nothing. */
export const queryValues: Readonly<Record<string, readonly string[]>> = {
  shape: shapes,
  whose: whoses,
  stage: stages,
  arm: armNames,
  end: ['forwarded', 'generated', 'truncated', 'abandoned'],
  grpc: ['missing', ...Array.from({ length: 17 }, (_, status) => String(status))],
  kind: ['exchange', 'tunnel', 'output'],
  stream: ['stdout', 'stderr', 'file'],
};

/** Keys that take several values with commas between them: no value of theirs has one. Lines of applications have none of these keys. */
export const listKeys: ReadonlySet<TextKey> = new Set([
  'upstream',
  'cause',
  'shape',
  'whose',
  'stage',
  'type',
  'end',
] as const);

export interface TextCondition {
  readonly kind: 'text';
  readonly key: TextKey;
  readonly value: string;
  readonly isPrefix: boolean;
  readonly not: boolean;
}

export type QueryCondition =
  | TextCondition
  /** At least one of these holds; each has a key of `listKeys`. */
  | { readonly kind: 'any_of'; readonly conditions: readonly TextCondition[]; readonly not: boolean }
  /** The address of the client is in a block of them: its first `bits` bits are those of `bytes`. */
  | { readonly kind: 'client_block'; readonly bytes: Uint8Array; readonly bits: number; readonly not: boolean }
  /** From `from` to `to`, both included. */
  | { readonly kind: 'status'; readonly from: number; readonly to: number; readonly not: boolean }
  | { readonly kind: 'duration'; readonly atLeastMs: number; readonly belowMs: number; readonly not: boolean }
  /** Each of these words stands in the record. */
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly not: boolean };

/** A condition for exactly this value, as people write it. */
export function conditionText(key: string, value: string): string {
  return `${key}:${quotedValue(value)}`;
}

/** A condition for any of these values. */
export function listText(key: TextKey, values: readonly string[]): string {
  return conditionText(key, values.join(','));
}

export function quotedValue(value: string): string {
  return /[\s"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value;
}
