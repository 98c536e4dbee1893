/** What was written, else what the default says. */
import type { Default } from './defaults.ts';
import { parseDuration } from './format/duration.ts';
import { parseOctets } from './format/octets.ts';

export function ms(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseDuration(absent.written);
  return parsed.ok ? parsed.value : 0;
}

export function msOrNone(value: number | null | undefined, absent: Default): number | null {
  if (value !== undefined) return value;
  return absent.written === 'none' ? null : ms(undefined, absent);
}

export function octets(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseOctets(absent.written);
  return parsed.ok ? parsed.value : 0;
}

export function octetsOrNone(value: number | null | undefined, absent: Default): number | null {
  if (value !== undefined) return value;
  return absent.written === 'none' ? null : octets(undefined, absent);
}

export function count(value: number | undefined, absent: Default): number {
  return value ?? Number(absent.written);
}
