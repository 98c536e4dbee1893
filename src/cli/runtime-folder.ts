import { accessSync, constants, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { findUntrusted } from '../deploy/trusted-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where admin sockets lie, best first: what systemd gives a service (`RuntimeDirectory=`), what it gives a
 * person, and a folder of our own elsewhere.
 */
export function runtimeFolders(env: Environment): string[] {
  const service = env['RUNTIME_DIRECTORY']?.split(':')[0] ?? '';
  const user = env['XDG_RUNTIME_DIR'] ?? '';
  const folders = [
    isAbsolute(service) ? service : null,
    isAbsolute(user) ? join(user, 'candor') : null,
    join(env['TMPDIR'] ?? tmpdir(), `candor-${ownUid()}`),
  ];
  return folders.filter((folder) => folder !== null);
}

/** The first runtime folder that nobody else can replace, made where it is missing; null where none can be had. */
export function privateFolder(env: Environment): string | null {
  for (const folder of runtimeFolders(env)) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      accessSync(folder, constants.W_OK | constants.X_OK);
      if (findUntrusted(folder, ownUid()) === null) return folder;
    } catch {
      // Not to be had; the next may be.
    }
  }
  return null;
}

export interface FoundSockets {
  /** Whoever answers there. */
  readonly paths: readonly string[];
  /** Folders with sockets that are not asked, each with the reason, as a sentence. */
  readonly skipped: readonly string[];
}

/** The sockets in some folders; those that somebody else could have put there are passed over. */
export function socketsIn(folders: readonly string[], own: number = ownUid()): FoundSockets {
  const paths: string[] = [];
  const problems: string[] = [];
  for (const folder of new Set(folders)) {
    const here = namesOfSockets(folder).map((name) => join(folder, name));
    const problem = here.length === 0 ? null : untrustedText(folder, own);
    if (problem === null) paths.push(...here);
    else problems.push(problem);
  }
  return { paths, skipped: problems };
}

/**
 * For root, the sockets in the private folders that gateways of other users have made beside its own: `candor-<uid>`, owned by
 * the user of that number and closed to everybody else, in a folder where only its owner could remove it.
 */
export function socketsOfOthers(env: Environment, own: number = ownUid()): readonly string[] {
  if (own !== 0) return [];
  const above = env['TMPDIR'] ?? tmpdir();
  try {
    const { mode, uid } = lstatSync(above);
    const isOpen = (mode & 0o022) !== 0;
    const isSticky = (mode & 0o1000) !== 0;
    if (uid !== 0 || (isOpen && !isSticky)) return [];
    return readdirSync(above)
      .filter((name) => {
        const number = /^candor-(\d{1,10})$/.exec(name)?.[1];
        const found = number === undefined ? undefined : lstatSync(join(above, name), { throwIfNoEntry: false });
        return found?.isDirectory() === true && found.uid === Number(number) && (found.mode & 0o022) === 0;
      })
      .slice(0, othersMax)
      .flatMap((name) => namesOfSockets(join(above, name)).map((socket) => join(above, name, socket)));
  } catch {
    return [];
  }
}

/** Users whose folders are looked into. */
const othersMax = 64;

/**
 * Why what listens in a folder is not asked; null where it is. A folder of one's own is, and root asks in one of another user
 * where nobody but that user can have made the socket: a service's, say.
 */
export function untrustedText(folder: string, own: number = ownUid()): string | null {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined || found.uid === own) return null;
  const whose = `${folder} belongs to ${nameOf(found.uid)}`;
  if (own !== 0) return `${whose}: run the command as that user or as root.`;
  const above = lstatSync(dirname(folder));
  if (found.isDirectory() && (found.mode & 0o022) === 0 && (above.mode & 0o002) === 0) return null;
  return `${whose}, and other users can write there: if the gateway is theirs, name its socket with --socket.`;
}

function namesOfSockets(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSocket() && entry.name.endsWith('.sock'))
      .map(({ name }) => name)
      .sort();
  } catch {
    // A folder that is not there, or may not be read, has no socket for us.
    return [];
  }
}

/** A container may run us as a user of whom its system has no entry. */
function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/** As `ls -l` says it. */
function nameOf(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? `user ${uid}`;
  } catch {
    return `user ${uid}`;
  }
}
