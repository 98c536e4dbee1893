export const fastCgiName = 'fastcgi';

/** Which program below a folder a request is for. */
export interface PhpSpec {
  /** Without a slash at its end. */
  readonly root: string;
  /** The program of a folder. */
  readonly index: string;
  /** How the names of programs end. */
  readonly split: string;
  /** The program that gets the requests for paths that name none; null: they get 404. */
  readonly frontController: string | null;
  /** What programs are told besides. */
  readonly variables: Readonly<Record<string, string>>;
  /** The folder is where the application runs, and not here. */
  readonly remote: boolean;
  /** The folder stands for a path and what is below it, so that the path is that of a folder. */
  readonly isBelow: boolean;
}

/** `php` of a route, as it is written. */
export interface PhpRead {
  readonly root?: string | undefined;
  readonly index?: string | undefined;
  readonly split?: string | undefined;
  readonly front_controller?: string | null | undefined;
  readonly static?: boolean | undefined;
  readonly remote?: boolean | undefined;
  readonly variables?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export const phpDefaults = { index: 'index.php', split: '.php', frontController: '/index.php' } as const;

/** With what holds for keys that are not written; null: the route runs no programs. `sends`: the folder whose other files are sent. */
export function phpRead(read: PhpRead | undefined) {
  if (read === undefined) return null;
  const { index = phpDefaults.index, split = phpDefaults.split, front_controller: front, remote = false } = read;
  const frontController = front === undefined ? phpDefaults.frontController : front;
  const sends = remote || read.static === false ? undefined : read.root;
  return { root: read.root, index, split, frontController, remote, variables: read.variables ?? {}, sends };
}
