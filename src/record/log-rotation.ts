import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Result } from '../core/result.ts';
import { errnoOf } from './log-output.ts';

/** When a log's file is put aside, and how many of those are kept. */
export interface LogRotation {
  readonly octetsMax: number;
  readonly keepMax: number;
}

/** Beyond these a number behind a log's name is none of ours: it may be a date. As many as may be kept. */
const numberMax = 1000;

/** As the log itself: client addresses are not for everybody. */
const mode = 0o640;

interface PutAside {
  readonly number: number;
  readonly compressed: boolean;
}

/**
 * Puts the file of that name aside, as `name.1`; what was put aside before becomes `path.2`, `path.3.gz` and so on, and what is beyond
 * `keepMax` is removed. Whoever still has the file open goes on writing to it. Nothing is made in its place.
 */
export async function putAside(name: string, keepMax: number): Promise<Result<null, string>> {
  try {
    const path = await realpath(name);
    const asides = await asidesOf(path);
    // From the oldest: each moves to a place that has just become free.
    for (const { number, compressed } of asides.toSorted((a, b) => b.number - a.number)) {
      const from = nameOf(path, number, compressed);
      if (number >= keepMax) await rm(from);
      else await rename(from, nameOf(path, number + 1, compressed));
    }
    await rename(path, nameOf(path, 1, false));
    return { ok: true, value: null };
  } catch (error) {
    return { ok: false, failure: errnoOf(error) };
  }
}

/**
 * Compresses what was put aside, but for the newest, which somebody may still write to, and read. Each keeps the time at
 * which it was last written, by which a search puts them in order.
 */
export async function compressAsides(name: string): Promise<Result<null, string>> {
  const path = await realLogPath(name);
  const part = `${path}.gz.part`;
  try {
    for (const { number, compressed } of await asidesOf(path)) {
      if (number === 1 || compressed) continue;
      const [from, to] = [nameOf(path, number, false), nameOf(path, number, true)];
      const { atime, mtime } = await stat(from);
      await pipeline(createReadStream(from), createGzip(), createWriteStream(part, { mode }));
      await utimes(part, atime, mtime);
      await rename(part, to);
      await rm(from);
    }
    return { ok: true, value: null };
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    return { ok: false, failure: errnoOf(error) };
  }
}

/** Where a log really is: what was put aside lies beside the file, not beside a link that leads to it. */
export function realLogPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

async function asidesOf(path: string): Promise<PutAside[]> {
  const name = basename(path);
  const asides: PutAside[] = [];
  for (const other of await readdir(dirname(path))) {
    const [, digits, suffix] =
      /^\.([1-9]\d{0,3})(\.gz)?$/.exec(other.startsWith(name) ? other.slice(name.length) : '') ?? [];
    if (digits === undefined || Number(digits) > numberMax) continue;
    asides.push({ number: Number(digits), compressed: suffix !== undefined });
  }
  return asides;
}

function nameOf(path: string, number: number, compressed: boolean): string {
  return join(dirname(path), `${basename(path)}.${number}${compressed ? '.gz' : ''}`);
}
