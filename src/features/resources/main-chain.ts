import { passedSignals, resetSignals, sandboxBase, type Tool } from './machine.ts';
import type { KnownUser } from './users.ts';

/** What stands between the gateway and a program. Each link becomes the next one by exec, so that the program is the gateway's own child. */
export interface ChainLinks {
  /** Files of control groups into which the first link writes its number. */
  readonly groups: readonly string[];
  /** What is added to the niceness of the gateway; 0: nothing. */
  readonly niceness: number;
  /** Of prlimit, such as `--nofile=1024:1024`. */
  readonly limits: readonly string[];
  /** Null: that of the gateway. */
  readonly user: KnownUser | null;
  /** What is the user's from now on, with all that is in it. */
  readonly given: readonly string[];
  /** Null: not isolated. */
  readonly sandbox: Sandbox | null;
}

/** One base of the file system as an isolated program sees it: empty and its own, hidden, as it is but read-only, as it is, or a link. */
export type SandboxMount =
  | { readonly kind: 'empty' | 'hidden' | 'readable' | 'writable'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly to: string };

interface Sandbox {
  readonly directory: string;
  /** In the order in which they are made: what lies in another one comes after it. */
  readonly mounts: readonly SandboxMount[];
  /** The gateway is root: no right of root is left to the program. */
  readonly dropsRights: boolean;
}

/** What the first link says where it fails, before it ends with this code: nothing runs without its limits. */
export const chainFailedCode = 126;

/** `tool`: where each program of the chain lies; the PATH of the application may be another one. */
export function chained(
  command: readonly string[],
  links: ChainLinks,
  tool: (name: Tool) => string = (name) => name,
): readonly string[] {
  const { niceness, limits, sandbox } = links;
  const rights = rightsOf(links);
  const steps = [
    ...(niceness === 0 ? [] : [tool('nice'), '-n', String(niceness)]),
    ...(limits.length === 0 ? [] : [tool('prlimit'), ...limits]),
    ...(sandbox === null ? [] : [tool('bwrap'), ...sandboxArguments(sandbox), '--', tool('env'), ...resetSignals]),
    ...(rights.length === 0 ? [] : [tool('setpriv'), ...rights]),
  ];
  const script = scriptOf(links);
  if (script.length === 0) return [...steps, ...command];
  return ['/bin/sh', '-c', [...script, 'exec "$@"'].join('\n'), 'sh', ...steps, ...command];
}

function scriptOf({ groups, user, given, sandbox }: ChainLinks): readonly string[] {
  const failed = (what: string): string => `{ echo "candor: ${what}" >&2; exit ${chainFailedCode}; }`;
  return [
    ...groups.map((file) => `echo $$ > ${quotedWord(file)} || ${failed('the control group of this program is gone')}`),
    // A program may open its own output by name (/dev/stdout), which is a pipe of the gateway's user.
    ...(user === null
      ? []
      : [`for n in 1 2; do [ ! -p /proc/$$/fd/$n ] || chown ${user.uid}:${user.gid} /proc/$$/fd/$n; done`]),
    ...(user === null
      ? []
      : given.map(
          (path) =>
            `chown -Rh ${user.uid}:${user.gid} ${quotedWord(path)} || ${failed('its files could not be given to its user')}`,
        )),
    // bwrap waits for the program and passes its exit on. A signal for the whole process group must not end bwrap before the program.
    ...(sandbox === null ? [] : [`trap '' ${passedSignals.join(' ')}`]),
  ];
}

function rightsOf({ user, sandbox }: ChainLinks): readonly string[] {
  return [
    ...(user === null ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`]),
    ...(user === null ? [] : [user.name === null ? '--clear-groups' : '--init-groups']),
    ...(sandbox?.dropsRights === true ? ['--inh-caps=-all', '--bounding-set=-all'] : []),
    ...(sandbox === null ? [] : ['--no-new-privs']),
  ];
}

function sandboxArguments({ directory, mounts }: Sandbox): readonly string[] {
  const made = new Set<string>();
  const covers = mounts.filter(({ kind }) => kind === 'empty' || kind === 'hidden').map(({ path }) => path);
  const steps = mounts.flatMap((mount) => [...wayTo(mount, covers, made), ...mountArguments(mount)]);
  return [...sandboxBase, ...steps, '--chdir', directory];
}

/** In a folder that is empty at first, bwrap would make the way to a mount for root alone. */
function wayTo({ path }: SandboxMount, covers: readonly string[], made: Set<string>): readonly string[] {
  const cover = covers
    .filter((one) => path.startsWith(`${one}/`))
    .toSorted((one, other) => other.length - one.length)[0];
  if (cover === undefined) return [];
  const names = path
    .slice(cover.length + 1)
    .split('/')
    .slice(0, -1);
  return names.flatMap((_, index) => {
    const folder = [cover, ...names.slice(0, index + 1)].join('/');
    if (made.has(folder)) return [];
    made.add(folder);
    return ['--perms', '0755', '--dir', folder];
  });
}

function mountArguments(mount: SandboxMount): readonly string[] {
  const { path } = mount;
  switch (mount.kind) {
    case 'link':
      return ['--symlink', mount.to, path];
    case 'empty':
      return ['--perms', '1777', '--tmpfs', path];
    case 'hidden':
      return ['--tmpfs', path];
    case 'readable':
      return ['--ro-bind-try', path, path];
    case 'writable':
      return ['--bind-try', path, path];
  }
}

const quotedWord = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
