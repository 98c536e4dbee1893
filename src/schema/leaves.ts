/** The leaves of the schema: values with a format of their own. Each says what is wrong in our words. */
import * as z from 'zod';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { durationPattern, bareAgeError, bareNumberError, parseAge, parseDuration } from './format/duration.ts';
import { isToken } from './format/field.ts';
import { barePercentError, parsePercent, percentPattern } from './format/percent.ts';
import {
  type LeastSize,
  bareSizeError,
  bareSizeErrorFrom,
  bytesPattern,
  bytesPatternFrom,
  parseBytes,
  parseBytesFrom,
} from './format/bytes.ts';
import { isSwitchWord } from './format/switch-word.ts';
import { hideTokens } from './hide-secrets.ts';
import type { ErrorDetail } from './error-detail.ts';
import { reject, quoted } from './error-detail.ts';

/** Begins every message of ours that passes through zod; `explain-issue.ts` reads it back. */
export const ours = '\u0001';

/** An objection as zod can carry it: one string. */
export function encodeDetail(detail: ErrorDetail): string {
  return `${ours}${detail.message}\n${detail.suggestion ?? ''}`;
}

/** The objection in a message of zod's; null when the message is zod's own. */
export function decodeDetail(message: string): ErrorDetail | null {
  if (!message.startsWith(ours)) return null;
  const [said = '', suggestion = ''] = message.slice(1).split('\n');
  return { message: said, suggestion: suggestion === '' ? null : suggestion };
}

/** Text that `parse` makes a value of; `bare` says what is wrong with a plain number in its place. */
export function parsed<T>(
  parse: (text: string) => Result<T, ErrorDetail>,
  {
    bare,
    ...meta
  }: { kind?: string; pattern?: string; examples?: string[]; bare?: (value: number) => ErrorDetail } = {},
): z.ZodType<T, string> {
  return z
    .string({
      error: ({ input }) => {
        if (typeof input === 'number' && bare !== undefined) return encodeDetail(bare(input));
        // Quotes help only where the word is a value; else the format says what is.
        const tried = typeof input === 'boolean' ? parse(String(input)) : null;
        return tried === null || tried.ok ? undefined : encodeDetail(tried.failure);
      },
    })
    .meta(meta)
    .transform((written, context) => {
      const result = parse(written);
      if (result.ok) return result.value;
      context.addIssue({ code: 'custom', message: encodeDetail(result.failure) });
      return z.NEVER;
    });
}

export function orNone<T>(
  parse: (text: string) => Result<T, ErrorDetail>,
): (text: string) => Result<T | null, ErrorDetail> {
  return (written) => {
    if (written === 'none') return succeed(null);
    if (/^(?:none|off|no|false|never|unlimited|infinite|infinity|0(?:ms|s|m|h|d)?)$/i.test(written))
      return reject(`${quoted(written)} is not understood here`, 'write none');
    return parse(written);
  };
}

const durationExamples = ['500ms', '2s', '1m30s', '1h'];

export const duration = parsed(parseDuration, {
  kind: 'duration',
  bare: bareNumberError,
  pattern: `^${durationPattern}$`,
  examples: durationExamples,
});
/** Of a header that the gateway writes: everybody counts those in seconds. */
export const durationOfHeader = parsed(parseDuration, {
  kind: 'duration',
  bare: (value) => (value > 0 ? { ...bareNumberError(value), suggestion: `write ${value}s` } : bareNumberError(value)),
  pattern: `^${durationPattern}$`,
  examples: ['10m', '1h'],
});
export const durationOrNone = parsed(orNone(parseDuration), {
  kind: 'duration, `none`',
  bare: zeroIsNone(bareNumberError),
  pattern: `^(?:none|${durationPattern})$`,
  examples: [...durationExamples, 'none'],
});
export const age = parsed(parseAge, {
  kind: 'duration',
  bare: bareAgeError,
  pattern: `^${durationPattern}$`,
  examples: ['7d', '12h'],
});
export const ageOrNone = parsed(orNone(parseAge), {
  kind: 'duration, `none`',
  bare: zeroIsNone(bareAgeError),
  pattern: `^(?:none|${durationPattern})$`,
  examples: ['365d', '12h', 'none'],
});
export const size = parsed(parseBytes, {
  kind: 'size',
  bare: bareSizeError,
  pattern: `^${bytesPattern}$`,
  examples: ['512B', '64KiB', '10MiB'],
});
export const sizeOrNone = parsed(orNone(parseBytes), {
  kind: 'size, `none`',
  bare: zeroIsNone(bareSizeError),
  pattern: `^(?:none|${bytesPattern})$`,
  examples: ['10MiB', 'none'],
});

/** A size that is not below the least that makes sense. */
export function sizeFrom(least: LeastSize): z.ZodType<number, string> {
  return parsed(parseBytesFrom(least), {
    kind: 'size',
    bare: bareSizeErrorFrom(least),
    pattern: `^${bytesPatternFrom(least)}$`,
    examples: [least.written],
  });
}

export function sizeFromOrNone(least: LeastSize): z.ZodType<number | null, string> {
  return parsed(orNone(parseBytesFrom(least)), {
    kind: 'size, `none`',
    bare: zeroIsNone(bareSizeErrorFrom(least)),
    pattern: `^(?:none|${bytesPatternFrom(least)})$`,
    examples: [least.written, 'none'],
  });
}

/** Elsewhere 0 often means "no limit". */
function zeroIsNone(bare: (value: number) => ErrorDetail): (value: number) => ErrorDetail {
  return (value) =>
    value === 0 ? { message: '0 is not a limit', suggestion: 'write none for no limit' } : bare(value);
}

function parseText(written: string): Result<string, ErrorDetail> {
  return written === '' ? reject('the value is empty', 'give it a value, or remove the key') : succeed(written);
}

export const text = parsed(parseText);

function parseOtherThanSwitch(wanted: string, instead: string | ((written: string) => string)) {
  return (written: string): Result<string, ErrorDetail> =>
    isSwitchWord(written)
      ? reject(`${quoted(written)} is no ${wanted}`, typeof instead === 'string' ? instead : instead(written))
      : parseText(written);
}

/** Text that says something, where a word for true or false is a mistake. */
export function textOf(wanted: string, instead: string): z.ZodType<string, string> {
  return parsed(parseOtherThanSwitch(wanted, instead));
}

const parsePathText = parseOtherThanSwitch('path', (written) => `write a path, such as ./${written} if that is meant`);

function parsePath(written: string): Result<string, ErrorDetail> {
  // The system takes it for the end of the path.
  return written.includes('\0')
    ? reject('a path cannot contain the character U+0000', 'remove it')
    : parsePathText(written);
}

export const path = parsed(parsePath);
export const pathOrNone = parsed(orNone(parsePath), { kind: 'path, `none`' });

/** It stands at up to 64 places of an error page, for every request that comes. */
const messageMax = 4096;

function parseMessage(instead: string | ((written: string) => string)) {
  const parse = parseOtherThanSwitch('message', instead);
  return (written: string): Result<string, ErrorDetail> =>
    written.length > messageMax
      ? reject(
          `the message has ${written.length} characters, and ${messageMax} is the most`,
          'say less, and write the rest on an error page',
        )
      : parse(written);
}

/** What visitors read, beside its switch. */
export const messageAlone = parsed(parseMessage('write what visitors are to read, or remove the key'));

/** A message to visitors, or a switch that is written as text. */
export const message = parsed(
  parseMessage((written) =>
    /^(?:y|yes|on|true|enabled?)$/i.test(written)
      ? 'write true for the usual page, or a message for visitors'
      : 'write false, or remove the key, to serve the route',
  ),
  { bare: bareMessageError },
);

function bareMessageError(value: number): ErrorDetail {
  const instead = value === 0 ? 'write false, or remove the key, to serve the route' : 'write true for the usual page';
  return { message: `the number ${value} is no message`, suggestion: instead };
}

/** A number with or without decimals, within limits, both included. */
export function decimal(min: number, max: number): z.ZodNumber {
  const error = ({ code, input }: { readonly code: string; readonly input: unknown }): string | undefined =>
    code === 'invalid_type' && (typeof input === 'string' || typeof input === 'boolean')
      ? encodeDetail(decimalError(input))
      : undefined;
  return z.number({ error }).min(min).max(max);
}

function decimalError(written: string | boolean): ErrorDetail {
  if (typeof written === 'boolean') return { message: `expected a number, found ${written}`, suggestion: null };
  const [, whole = '', decimals = '', percent = ''] = /^\s*(-?\d+)(?:[.,](\d+))?\s*(%?)/.exec(written) ?? [];
  const meant = Number(`${whole}.${decimals}`) / (percent === '' ? 1 : 100);
  return {
    message: `expected a number, found the text ${quoted(written)}`,
    suggestion: whole === '' ? null : `write ${meant}`,
  };
}

/** A whole number within limits, both included. */
export function whole(min: number, max: number): z.ZodInt {
  return z.int().min(min).max(max);
}

/** One value or a list of them, read as a list. */
export function oneOrMany<T>(leaf: z.ZodType<T, string>): z.ZodType<T[], string | string[]> {
  return z.union([leaf.transform((value) => [value]), z.array(leaf).min(1)]);
}

/** Names become parts of ids, metrics and file names. */
const namePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$';

export const name = z.string().meta({ pattern: namePattern });

export function nameError(written: string): ErrorDetail | null {
  if (new RegExp(namePattern).test(written)) return null;
  const better = hideTokens(written)
    .slice(0, 63)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return {
    message: `${quoted(written)} is not a name: letters, digits, ".", "_" and "-", at most 63, the first a letter or digit`,
    suggestion: better === '' ? null : `write ${quoted(better)}`,
  };
}

/** `type/subtype` and parameters, RFC 9110 §8.3.1, as far as a typing mistake shows. */
export const contentType = parsed((written) => {
  const [type = '', subtype = '', ...rest] = written.split(';')[0]!.trim().split('/');
  if (isToken(type) && isToken(subtype) && rest.length === 0 && /^[\x20-\x7e]+$/.test(written)) return succeed(written);
  return reject(`${quoted(written)} is not a media type`, 'write type and subtype, such as text/html; charset=utf-8');
});

export const percent = parsed(parsePercent, {
  kind: 'percentage',
  bare: barePercentError,
  pattern: `^${percentPattern}$`,
  examples: ['50%', '10%'],
});
