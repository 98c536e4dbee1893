import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Shape } from '#failures/shape.ts';
import type { Stage } from '#failures/stage.ts';

/** Lines as people paste them, each split by an author who had not seen the classifier. */
export const blindSplits = ['blind', 'blind2'] as const;

/** Developers of a classifier may look at `dev`; the others are for judging it. */
export const splits = ['dev', 'test', 'holdout', ...blindSplits] as const;

export type Split = (typeof splits)[number];

/** One value, or several of which each is right, if the definition of the format allows them. */
export type OneOrMore<T> = T | readonly T[];

export interface LineCase {
  /** The gateway that wrote the log. Not judged: some formats are the same for several. */
  readonly gateway: string;
  /** The text of a `log_format`, if the line cannot be read without it. */
  readonly logFormat?: string;
  readonly line?: string;
  /** Consecutive lines of one file that only together show the failure. */
  readonly lines?: readonly string[];
  /** In the blind splits: the text is as the gateway or a log collector wrote it, and not cut, quoted or wrapped by a person. */
  readonly whole?: true;
  /** Not the line of a gateway, or nothing is left that shows one: it is as right not to recognise it. */
  readonly mayBeUnrecognised?: true;
  /** In `dev`: pasted by a person, and not a whole line. It is read as pasted text. */
  readonly part?: true;
  readonly expect: {
    readonly kind: OneOrMore<'access' | 'error' | 'event'>;
    readonly shape: OneOrMore<Shape | 'unknown'>;
    readonly type: OneOrMore<ProxyErrorType | null>;
    readonly stage?: Stage;
    readonly born?: string | null;
  };
  /** The rule that the truth follows from. */
  readonly note: string;
}

export interface ResponseCase {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly expect: { readonly author: OneOrMore<string>; readonly passed?: readonly string[] };
  readonly note: string;
}

/** Verdicts on a request in which the gateway did nothing wrong. */
const innocent: ReadonlySet<string> = new Set(['none', 'app_error', 'client_abort']);

export function readLineCases(split: Split): LineCase[] {
  return readRows(split, 'lines') as LineCase[];
}

export function readResponseCases(split: Split): ResponseCase[] {
  return readRows(split, 'responses') as ResponseCase[];
}

export function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** The case's text, as it would stand in a file. */
export function textOf({ line, lines }: LineCase): string {
  return (lines ?? [line ?? '']).join('\n');
}

export function isBlind(split: Split): boolean {
  return blindSplits.some((blind) => blind === split);
}

/** A line of a blind split is whole if it says so; one of another split, unless it says that it is a part. */
export function isWhole(split: Split, { whole, part }: LineCase): boolean {
  return whole ?? (!isBlind(split) && part !== true);
}

/** Whether a gateway failure would be a false alarm for this case. */
export function isNegative({ expect }: LineCase): boolean {
  return listOf(expect.shape).every((shape) => innocent.has(shape));
}

export function isInnocent(shape: string): boolean {
  return innocent.has(shape);
}

function readRows(split: Split, name: string): unknown[] {
  const file = join(import.meta.dirname, 'corpus', split, `${name}.jsonl`);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row) as unknown);
}
