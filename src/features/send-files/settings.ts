export const sendFilesName = 'send_files';

/** Files that responses of applications name, and that are sent in their place. */
export interface SendFilesSpec {
  readonly folders: readonly NamedFolder[];
  /** How the names of programs end, which are never sent; null: the route runs none. */
  readonly programs: string | null;
}

export interface NamedFolder {
  /** How names of its files begin, with a slash at its end. The path of the folder is one more beginning. */
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string;
}
