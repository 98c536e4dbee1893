import type { Random } from './random.ts';

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. For request ids see `IdSource`, which is faster. */
export function uuidV7(wallTime: number, random: Random): string {
  const bytes = new Uint8Array(10);
  random.fill(bytes);
  bytes[0] = 0x70 | ((bytes[0] as number) & 0x0f);
  bytes[2] = 0x80 | ((bytes[2] as number) & 0x3f);
  const time = Math.max(0, Math.floor(wallTime)).toString(16).padStart(12, '0').slice(-12);
  const digits = time + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
