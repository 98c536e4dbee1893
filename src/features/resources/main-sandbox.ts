import { existsSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import type { Launch } from '../../core/launch.ts';
import { fileIn } from './machine.ts';
import type { SandboxMount } from './main-chain.ts';

/** Folders that each isolated program has for itself. */
const ownFolders = ['/tmp', '/var/tmp', '/dev/shm'];

interface SandboxParts {
  readonly launch: Pick<Launch, 'command' | 'directory' | 'environment' | 'kind'>;
  /** Paths in the directory that it may write although the directory is a release. */
  readonly persistent: readonly string[];
  /** Null: the gateway keeps nothing. */
  readonly stateFolder: string | null;
  /** Of the service manager; undefined: it gives none. The key of secrets may lie there. */
  readonly credentials?: string | undefined;
}

/** What an isolated program sees otherwise than others. */
export function sandboxMounts({ launch, persistent, stateFolder, credentials }: SandboxParts): readonly SandboxMount[] {
  const { directory, kind } = launch;
  const ofGateway = [stateFolder ?? '', credentials ?? ''].filter((path) => path !== '' && existsSync(path));
  const hidden = [...ownFolders, ...ofGateway];
  const isRelease = stateFolder !== null && isIn(directory, stateFolder) && kind !== 'build';
  const mounts: SandboxMount[] = [
    ...ownFolders.map((path) => ({ kind: 'empty', path }) as const),
    ...hidden.slice(ownFolders.length).map((path) => ({ kind: 'hidden', path }) as const),
    { kind: isRelease ? 'readable' : 'writable', path: directory },
    ...persistent.flatMap((path) => mountsOfPersistent(join(directory, path), directory)),
    ...neededFiles(launch)
      // A variable that names the whole of such a folder, as TMPDIR may, gives nothing of it.
      .filter((path) => !hidden.includes(path))
      .filter((path) => hidden.some((folder) => isIn(path, folder)) && !isIn(path, directory))
      .map((path) => ({ kind: 'readable', path }) as const),
  ];
  return mounts.toSorted((one, other) => depthOf(one.path) - depthOf(other.path));
}

/** A path of a release is a link to where it is kept, which may be a link too. */
function mountsOfPersistent(path: string, directory: string): readonly SandboxMount[] {
  const mounts: SandboxMount[] = [];
  let at = path;
  for (let links = 0; links < linksMax; links += 1) {
    const to = linkOf(at);
    if (to === null) break;
    if (!isIn(at, directory)) mounts.push({ kind: 'link', path: at, to });
    at = to;
  }
  const real = realPathOf(at);
  return real === null ? mounts : [...mounts, { kind: 'writable', path: real }];
}

const linksMax = 40;

/** Null: it is no link, or not there. */
function linkOf(path: string): string | null {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return null;
  }
}

/** The program, and files that variables name, such as secrets and certificates. */
function neededFiles({ command, environment, directory }: SandboxParts['launch']): readonly string[] {
  const [name = ''] = command;
  const program = name.includes('/')
    ? resolve(directory, name)
    : fileIn(environment['PATH'] ?? process.env['PATH'] ?? '', name);
  const paths = [
    ...(program === null ? [] : [program]),
    ...command.slice(1).filter((word) => word.startsWith('/')),
    ...Object.values(environment).filter((value) => value.startsWith('/') && !value.includes(delimiter)),
  ];
  return paths.flatMap((path) => {
    const real = realPathOf(path);
    return real === null ? [] : real === path ? [path] : [path, real];
  });
}

/** Null: there is nothing. */
function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

const depthOf = (path: string): number => path.split(sep).filter((part) => part !== '').length;
