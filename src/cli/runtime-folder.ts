import { accessSync, constants, lstatSync, readdirSync, readFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { makeFolders, findUntrusted } from '../deploy/private-folder.ts';
import { adminSocketCandidates, adminSocketsElsewhere } from '../config/admin-socket.ts';
import type { Configuration, LogSpec } from '../core/configuration.ts';
import type { ConfigurationAsked, ReadContext } from './configuration-read.ts';
import type { ProcessContext } from './process-context.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folders in which admin sockets lie, best first: the one that systemd gives a service (`RuntimeDirectory=`), the one
 * that it gives a user, and otherwise a folder that Candor creates.
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

/** The first runtime folder that no other user can replace. Creates it if it is missing; null if none is possible. */
export function privateFolder(env: Environment): string | null {
  for (const folder of runtimeFolders(env)) {
    try {
      makeFolders(folder);
      accessSync(folder, constants.W_OK | constants.X_OK);
      if (findUntrusted(folder, ownUid()) === null) return folder;
    } catch {
      // This folder cannot be created or written; the next one may be.
    }
  }
  return null;
}

interface FoundSockets {
  /** Paths of sockets that may be asked. */
  readonly paths: readonly string[];
  /** For each folder whose sockets are not asked, a sentence that says why. */
  readonly skipped: readonly string[];
}

/** The sockets in some folders. Sockets that another user could have created are skipped. */
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
 * For root: the sockets in private folders of gateways of other users beside root's own: `candor-<uid>` in the folder for
 * temporary files, and `candor` in the folder that systemd gives the user. Such a folder belongs to the user of that number,
 * is writable for no other user, and lies in a folder in which only its owner could remove it.
 */
export function socketsOfOthers(
  env: Environment,
  own: number = ownUid(),
  userFolders: string = '/run/user',
): readonly string[] {
  if (own !== 0) return [];
  return [
    ...privateFolders(userFolders, /^(\d{1,10})$/, 'candor'),
    ...privateFolders(env['TMPDIR'] ?? tmpdir()),
  ].flatMap((folder) => namesOfSockets(folder).map((socket) => join(folder, socket)));
}

/** The folders below `above` that are named after a user, and belong to that user alone; or `within` each of them. */
function privateFolders(above: string, named = /^candor-(\d{1,10})$/, within = ''): string[] {
  try {
    const { mode, uid } = lstatSync(above);
    const isOpen = (mode & 0o022) !== 0;
    const isSticky = (mode & 0o1000) !== 0;
    if (uid !== 0 || (isOpen && !isSticky)) return [];
    return readdirSync(above)
      .filter((name) => isPrivate(join(above, name), Number(named.exec(name)?.[1])))
      .slice(0, othersMax)
      .map((name) => join(above, name, within));
  } catch {
    return [];
  }
}

function isPrivate(folder: string, owner: number): boolean {
  const found = Number.isNaN(owner) ? undefined : lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === owner && (found.mode & 0o022) === 0;
}

/** Users whose folders are searched. */
const othersMax = 64;

/**
 * Says why the sockets of a folder are not asked; null if they are. A user asks sockets in a folder of that user. Root also
 * asks sockets in a folder of another user if only that user can have created them, as with a service.
 */
function untrustedText(folder: string, own: number = ownUid()): string | null {
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
    // A folder that is missing or unreadable has no sockets for this user.
    return [];
  }
}

/** In a container, the user of this process may have no entry in /etc/passwd. */
function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/** The name of a user as `ls -l` prints it. */
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

/** What says where a gateway answers. */
export type AdminParts = Pick<Configuration, 'deployment' | 'admin'>;

/** Several, if the configuration leaves the path to the environment of the gateway, which may differ from ours. */
export function socketsOf(configuration: AdminParts, file: string, context: ProcessContext): readonly string[] {
  const { named, others } = socketPathsOf(configuration, file, context);
  return [...(named === null ? [] : [named]), ...others.filter((path) => untrustedText(dirname(path)) === null)];
}

/** Why existing sockets of the configuration are not asked. */
export function skippedSockets(configuration: AdminParts, file: string, context: ProcessContext): readonly string[] {
  const { others } = socketPathsOf(configuration, file, context);
  return others.flatMap((path) => untrustedText(dirname(path)) ?? []);
}

/** The socket that the configuration names in this environment, and those that it may name in another one. */
function socketPathsOf(
  { deployment, admin }: AdminParts,
  file: string,
  context: ProcessContext,
): { readonly named: string | null; readonly others: readonly string[] } {
  const folder = dirname(resolve(context.directory, file));
  const [usual] = adminSocketCandidates(deployment, folder, context.env);
  if (admin.socket === null || admin.socket !== usual) return { named: admin.socket, others: [] };
  const elsewhere = [
    ...adminSocketsElsewhere(deployment, folder, context.env),
    // A gateway uses these if its default path cannot be written.
    ...privateSockets(deployment, context.env),
  ];
  const others = new Set(elsewhere.filter((path) => path !== usual && existsSync(path)));
  return { named: usual, others: [...others] };
}

/** Where the admin socket of a deployment may be when its default path cannot be written, best first. */
export function privateSockets(deployment: string, env: Readonly<Record<string, string | undefined>>): string[] {
  return runtimeFolders(env).map((folder) => join(folder, `${deployment}.sock`));
}

/** As a command of an operator reads a configuration. What reads one is loaded here, since most commands find their gateway without. */
export async function readAsked(file: string, context: ReadContext): Promise<ConfigurationAsked> {
  const reading = await import('./read-configuration.ts');
  return reading.readAsked(file, context);
}

/** The log in a file. `path` is absolute. */
type FileLog = Pick<LogSpec, 'format'> & { readonly path: string };

/** The log that a configuration names; null if there is no such file, or its log is no file. Other errors of the file do not matter. */
export async function logOfConfiguration(file: string, context: ProcessContext): Promise<FileLog | null> {
  if (!existsSync(resolve(context.directory, file))) return null;
  const { configuration, readable } = await readAsked(file, context);
  const { path = null, format = 'json' } = (configuration ?? readable)?.log ?? {};
  return path === null || path === '-' ? null : { path: resolve(context.directory, path), format };
}
