import type { FileCoding } from './settings.ts';
import { matchesGlob } from './worker-glob.ts';
import { mediaTypes } from './worker-media-types.ts';

/** By extension, in small letters. */
const typeOf: ReadonlyMap<string, string> = new Map(
  mediaTypes.split(';').flatMap((entry) => {
    const [type = '', ...extensions] = entry.trim().split(' ');
    const written = type.startsWith('text/') ? `${type}; charset=utf-8` : type;
    return extensions.map((extension) => [extension, written] as const);
  }),
);

/** The media type by the end of the name: text is taken for UTF-8. */
export function contentTypeOf(path: string): string {
  const extension = /\.([^./]+)$/.exec(path)?.[1] ?? '';
  return typeOf.get(extension.toLowerCase()) ?? 'application/octet-stream';
}

/** The Cache-Control of the first glob that the file matches; null: of none. */
export function cacheControlOf(
  path: string,
  rules: readonly (readonly [glob: string, value: string])[],
): string | null {
  return rules.find(([glob]) => matchesGlob(glob, path))?.[1] ?? null;
}

export interface FileTimes {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Builds that set no times write 1970, 1980 (zip) or 1985 (npm): such a time says nothing of the content. */
const meaningfulFromNs = BigInt(Date.UTC(1986, 0, 1)) * 1_000_000n;

/** Whole seconds; null: the time says nothing. */
export function modifiedSOf({ mtimeNs }: Pick<FileTimes, 'mtimeNs'>, nowMs: number): number | null {
  if (mtimeNs < meaningfulFromNs) return null;
  // RFC 9110 §8.8.2.1: not later than the response itself.
  return Math.min(Number(mtimeNs / 1_000_000_000n), Math.floor(nowMs / 1000));
}

/**
 * A strong tag of the time in nanoseconds and the size, the same on every machine to which the file was copied with its time. Where that
 * time says nothing, the time of the inode stands in its place. A file that was written within the last second has a weak one: it may change again
 * before the clock of the system ticks.
 */
export function etagOf({ size, mtimeNs, ctimeNs }: FileTimes, coding: FileCoding | null, nowMs: number): string {
  const time = mtimeNs < meaningfulFromNs ? ctimeNs : mtimeNs;
  const ageMs = nowMs - Number(time / 1_000_000n);
  const weak = ageMs >= 0 && ageMs < 1000 ? 'W/' : '';
  return `${weak}"${time.toString(36)}-${size.toString(36)}${coding === null ? '' : `-${coding}`}"`;
}
