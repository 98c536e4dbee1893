/** What was written, else what the default says. */
import type { Default } from './default.ts';
import { parseDuration } from './format/duration.ts';
import { parseBytes } from './format/bytes.ts';

export function ms(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseDuration(absent.written);
  return parsed.ok ? parsed.value : 0;
}

export function msOrNone(value: number | null | undefined, absent: Default): number | null {
  if (value !== undefined) return value;
  return absent.written === 'none' ? null : ms(undefined, absent);
}

export function bytes(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseBytes(absent.written);
  return parsed.ok ? parsed.value : 0;
}

export function bytesOrNone(value: number | null | undefined, absent: Default): number | null {
  if (value !== undefined) return value;
  return absent.written === 'none' ? null : bytes(undefined, absent);
}

export function share(value: number | undefined, absent: Default): number {
  return value ?? Number.parseInt(absent.written, 10) / 100;
}

export function count(value: number | undefined, absent: Default): number {
  return value ?? Number(absent.written);
}
