import { checkAdminSocket } from '../admin/admin-socket-check.ts';
import { type WriteObstacle, findFileObstacle, findFolderObstacle, findMissingFolder } from '../deploy/writable.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { privateSockets } from './runtime-folder.ts';
import { trackedByGit } from '../deploy/tracked-by-git.ts';
import { wrap } from './layout.ts';
import type { Machine } from './process-context.ts';

/** A configuration whose default paths can be written, and a sentence for each path that was changed for that. */
interface AdjustedPaths {
  readonly configuration: Configuration;
  readonly notes: readonly string[];
}

/**
 * Replaces default paths that cannot be written, as in a container or beside a file of a ConfigMap: the log goes to standard
 * output, no state is kept, and the admin socket goes into a private runtime folder, or there is none. State is never kept
 * in a folder for temporary files, because programs that clean such a folder would delete the lock. Paths that the
 * configuration file names stay as they are. Creates no file or folder.
 */
export function adjustPaths(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): AdjustedPaths {
  const notes: string[] = [];
  let fitted = configuration;
  const { log, stateFolder, admin, applications } = configuration;
  if (leftOpen.log && log.path !== null) {
    const why = because(findFileObstacle(log.path));
    if (why !== null) {
      fitted = { ...fitted, log: { ...log, path: '-' } };
      notes.push(`The exchange log goes to standard output, because ${why}. Set log.path to use another file.`);
    }
  }
  if (leftOpen.state && stateFolder !== null) {
    const why = because(findFolderObstacle(stateFolder));
    // Certificates that are obtained need one: the start says what is wrong with it.
    const isNeeded = configuration.listeners.some(({ tls }) => tls?.automatic != null);
    if (why !== null && !isNeeded) fitted = { ...fitted, stateFolder: null };
    // Without applications there is no state to keep.
    if (why !== null && !isNeeded && applications.length > 0)
      notes.push(`There is no state folder, as with \`state: none\`, because ${why}. Set state to use another folder.`);
  }
  if (leftOpen.socket && admin.socket !== null) {
    const { socket, note } = adjustSocket(admin.socket, configuration.deployment, env);
    fitted = { ...fitted, admin: { ...admin, socket } };
    if (note !== null) notes.push(note);
  }
  return { configuration: fitted, notes };
}

function adjustSocket(
  usual: string,
  deployment: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly socket: string | null; readonly note: string | null } {
  const why = checkAdminSocket(usual);
  if (why === null) return { socket: usual, note: null };
  const other = privateSockets(deployment, env).find((path) => checkAdminSocket(path) === null) ?? null;
  const where = other === null ? 'There is no admin socket' : `The admin socket is ${other}`;
  return { socket: other, note: `${where}. ${why} Set admin.socket to use another path.` };
}

/** The end of a sentence. */
function because(found: WriteObstacle | null): string | null {
  return found === null ? null : `${found.path} cannot be written by this user (${found.errno})`;
}

/**
 * The paths of a configuration's log, state, store and admin socket that this user could not write on this machine. The gateway may
 * run as another user, so these are not errors of the file. A gateway that this user starts reports the same.
 */
export function reviewPaths(
  configuration: Configuration,
  leftOpen: LeftOpen,
  env: Readonly<Record<string, string | undefined>>,
): readonly MachineWarning[] {
  const { configuration: fitted, notes } = adjustPaths(configuration, leftOpen, env);
  const warnings = notes.map((note) => warning('places', null, note));
  const { admin, log, store } = fitted;
  const socket = admin.socket === null || leftOpen.socket ? null : checkAdminSocket(admin.socket);
  if (socket !== null) warnings.push(warning('admin.socket', admin.socket, socket));
  const isFile = log.path !== null && log.path !== '-' && !leftOpen.log;
  const closed = isFile ? findFileObstacle(log.path) : null;
  if (closed !== null) warnings.push(warning('log.path', log.path, `log.path: ${obstacleText(closed)}.`));
  const missing = isFile && closed === null ? findMissingFolder(log.path) : null;
  if (missing !== null)
    warnings.push({
      ...warning(
        'log.path',
        log.path,
        `log.path: the folder ${missing} does not exist. A start makes the last folder of a path and none above it`,
      ),
      suggestion: `make it with mkdir -p ${missing}, and correct the path if it is misspelt`,
    });
  const unstored = store === null ? null : findFolderObstacle(store.path);
  if (unstored !== null)
    warnings.push(warning('store', store?.path ?? null, `store: ${obstacleText(unstored)}: nothing would be stored.`));
  const { stateFolder } = fitted;
  const needsState = fitted.applications.length > 0 || fitted.listeners.some(({ tls }) => tls?.automatic != null);
  const unkept = stateFolder === null || !needsState ? null : findFolderObstacle(stateFolder);
  if (unkept !== null)
    warnings.push({
      ...warning('state', stateFolder, `state: ${obstacleText(unkept)}: ${whatNeedsState(fitted)}`),
      suggestion: 'make it writable, or name another folder with `state`',
    });
  const tracked = fitted.stateFolder === null ? null : trackedByGit(fitted.stateFolder);
  if (tracked !== null)
    warnings.push({
      ...warning('state', fitted.stateFolder, `state: git tracks ${tracked}, and the state folder has private keys`),
      suggestion: `git rm -r --cached ${fitted.stateFolder}, add it to .gitignore, and make new keys if others have the repository`,
    });
  const logged = isFile ? trackedByGit(log.path) : null;
  if (logged !== null) warnings.push(trackedWarning('log.path', log.path ?? '', logged, 'the log has'));
  const stored = store === null ? null : trackedByGit(store.path);
  if (store !== null && stored !== null) warnings.push(trackedWarning('store', store.path, stored, 'the store has'));
  return warnings;
}

function whatNeedsState({ listeners }: Configuration): string {
  return listeners.some(({ tls }) => tls?.automatic != null)
    ? 'the gateway keeps its certificates there, and does not start'
    : 'no job runs, and no release or secret can be kept';
}

function trackedWarning(setting: string, path: string, tracked: string, what: string): MachineWarning {
  return {
    ...warning(
      setting,
      path,
      `${setting}: git tracks ${tracked}, and ${what} addresses of clients and what they asked`,
    ),
    suggestion: `git rm -r --cached ${path}, and add it to .gitignore`,
  };
}

function obstacleText({ path, errno }: WriteObstacle): string {
  if (errno === 'EISDIR') return `${path} is a folder, and the log is a file`;
  if (errno === 'ENOTDIR') return `${path} is a file, and a folder would have to be there`;
  return `${path} cannot be written by this user (${errno})`;
}

function warning(setting: string, value: string | null, message: string): MachineWarning {
  return { setting, value, message, suggestion: null };
}

/** A warning about the machine rather than the configuration file, with its remedy. */
export interface MachineWarning {
  readonly setting: string;
  /** The current value; null if it cannot be read. */
  readonly value: string | null;
  readonly message: string;
  /** Null if the message contains it. */
  readonly suggestion: string | null;
}

/** Warnings about this machine go to standard error: they are not about the file, which may be meant for another machine. */
export function machineText({ message, suggestion }: MachineWarning): string {
  const text = `This machine: ${message}${suggestion === null ? '' : `: ${suggestion}`}`;
  return `${wrap(text, '').join('\n')}\n`;
}

const migrate = 'net.ipv4.tcp_migrate_req';

/** Settings of this machine that make a configuration lose connections without need, one line each. */
export function reviewMachine(configuration: Configuration, machine: Machine): readonly MachineWarning[] {
  // On other systems a listener does not take over connections from another one on the same port, and no setting changes
  // that. A single worker shares its port with no other, and an upgrade passes its socket on.
  const { listeners, workers } = configuration;
  if (machine.platform !== 'linux' || listeners.length === 0 || (workers.count ?? machine.cores) === 1) return [];
  const value = machine.kernelSetting(migrate);
  // Linux before 5.14 has no such setting, and a container may hide it. In both cases the reader cannot change it here.
  if (value === '1' || value === null) return [];
  const message = `a worker that ends within 0.5 s of its start resets waiting connections, since ${migrate} is ${value}`;
  return [{ setting: migrate, value, message, suggestion: `sysctl -w ${migrate}=1` }];
}
