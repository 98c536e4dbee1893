export const filesName = 'files';

/** A folder whose files answer the requests of a route. */
export interface FilesSpec {
  /** Absolute. */
  readonly root: string;
  /** Names of the file that stands for its folder; the first that is there. */
  readonly index: readonly string[];
  /** What is served in place of a page that is not there: a path below the root; null: nothing. */
  readonly fallback: string | null;
  /** What a path without them may lack at its end, such as `.html`; the first that leads to a file. */
  readonly extensions: readonly string[];
  readonly listing: boolean;
  /** Codings of files that lie beside others, such as `app.js.br`. */
  readonly precompressed: readonly FileCoding[];
  /** The Cache-Control of files by glob: the first that matches holds. */
  readonly cache: readonly (readonly [glob: string, value: string])[];
  /** The folder stands for a path and what is below it, so that the path is that of a folder. */
  readonly isBelow: boolean;
  /** What is not there goes to the upstream of the route. */
  readonly passes: boolean;
  /** It answers for a static application, of whose release in force it is this folder; `root` is where the configuration has it. Absent: for none. */
  readonly release?: { readonly application: string; readonly below: string };
  /** How the names of programs end, which `php` of the route runs and which are never sent; null: the route runs none. */
  readonly programs: string | null;
}

/** Where a static application has its files now. */
export interface SiteFolders {
  readonly root: string;
  /** Of the release before, for what the present one has no file of that name for; null: nothing is looked for there. */
  readonly previous: string | null;
}

export const fileCodings = ['br', 'zstd', 'gzip'] as const;

export type FileCoding = (typeof fileCodings)[number];

export const suffixOf: Readonly<Record<FileCoding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };
