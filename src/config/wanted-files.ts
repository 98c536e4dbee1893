import { resolve } from 'node:path';
import type { Complainer } from './complainer.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import type { Objection } from './objection.ts';
import type { Path } from './place-index.ts';

/** A file that the configuration names and that must be read before it is whole. */
export interface WantedFile {
  /** Absolute. */
  readonly path: string;
  readonly kind: 'error_page' | 'certificates';
  /** Where the file is named. */
  readonly at: Path;
}

export type FileReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly objection: Objection };

export const wantedOctetsMax = {
  /** Sent to everybody while something fails, and held by each worker. */
  error_page: 256 * 1024,
  /** Twice what systems ship with all public authorities. */
  certificates: 1024 * 1024,
} as const;

export function wantedFiles(draft: Draft, directory: string): WantedFile[] {
  const wanted: WantedFile[] = [];
  const want = (kind: WantedFile['kind'], path: string, at: Path): void => {
    wanted.push({ kind, path: resolve(directory, path), at });
  };
  const pages = (from: Readonly<Record<string, string>> | undefined, at: Path): void => {
    for (const [status, path] of Object.entries(from ?? {})) want('error_page', path, [...at, status]);
  };
  pages(draft.plain.error_pages, ['error_pages']);
  for (const [at, route] of draft.routes) pages(route.error_pages, ['routes', at, 'error_pages']);
  for (const [name, upstream] of draft.upstreams) {
    if (Array.isArray(upstream) || !isMap(upstream.tls)) continue;
    if (upstream.tls.ca_file !== undefined)
      want('certificates', upstream.tls.ca_file, ['upstreams', name, 'tls', 'ca_file']);
  }
  return wanted;
}

/** Complains of what could not be read, and of what was read and cannot be what it should be. */
export function reviewFiles(
  wanted: readonly WantedFile[],
  readings: ReadonlyMap<string, FileReading>,
  complainer: Complainer,
): void {
  for (const { path, kind, at } of wanted) {
    const reading = readings.get(path);
    if (reading === undefined) continue;
    if (!reading.ok) complainer.object(at, reading.objection);
    else if (kind === 'certificates' && !reading.text.includes('-----BEGIN CERTIFICATE-----')) {
      complainer.atValue(at, 'the file has no certificate in PEM', 'it must contain "-----BEGIN CERTIFICATE-----"');
    }
  }
}
