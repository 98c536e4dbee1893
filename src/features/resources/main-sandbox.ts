import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join, resolve, sep } from 'node:path';
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
}

/** What an isolated program sees otherwise than others. */
export function sandboxMounts({ launch, persistent, stateFolder }: SandboxParts): readonly SandboxMount[] {
  const { directory, kind } = launch;
  const hidden = [...ownFolders, ...(stateFolder === null || !existsSync(stateFolder) ? [] : [stateFolder])];
  const isRelease = stateFolder !== null && isIn(directory, stateFolder) && kind !== 'build';
  const mounts: SandboxMount[] = [
    ...ownFolders.map((path) => ({ kind: 'empty', path }) as const),
    ...hidden.slice(ownFolders.length).map((path) => ({ kind: 'hidden', path }) as const),
    { kind: isRelease ? 'readable' : 'writable', path: directory },
    ...persistent.flatMap((path) => {
      const real = realPathOf(join(directory, path));
      return real === null ? [] : [{ kind: 'writable', path: real } as const];
    }),
    ...neededFiles(launch)
      .filter((path) => hidden.some((folder) => isIn(path, folder)) && !isIn(path, directory))
      .map((path) => ({ kind: 'readable', path }) as const),
  ];
  return mounts.toSorted((one, other) => depthOf(one.path) - depthOf(other.path));
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
