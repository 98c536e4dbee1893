import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolder } from './repository.ts';

/** Programs are unpacked here, each with the libraries that this machine lacks. */
export const debsFolder: string = join(cacheFolder, 'debs');

const aptFolder = join(debsFolder, 'apt');
const downloads = join(debsFolder, 'downloads');

/**
 * Container images often tell apt not to cache its package lists, so that each call parses them again, for a second. apt
 * itself notices when a list has changed.
 */
const machineLists: readonly string[] = [
  ...['-o', `Dir::Cache::pkgcache=${join(aptFolder, 'of-machine.bin')}`],
  ...['-o', 'Acquire::Retries=1'],
];
const ownLists: readonly string[] = [
  ...['-o', `Dir::State::lists=${join(aptFolder, 'lists')}`],
  ...['-o', `Dir::Cache=${aptFolder}`],
  ...['-o', `Dir::Cache::pkgcache=${join(aptFolder, 'own.bin')}`],
  ...['-o', 'Debug::NoLocking=true'],
  ...['-o', 'Acquire::Retries=1'],
];

/** What to fetch, into which folder, and which file of it is the program. */
interface Fetch {
  /** Debian's packages that may contain the program, likeliest first. */
  readonly packages: readonly string[];
  /** Packages that the program needs to be unpacked, besides libraries; see `moreOf`. */
  readonly more: readonly string[];
  readonly folder: string;
  /** The program in the folder; null if it is not there. */
  readonly find: () => string | null;
  /** Libraries that the program opens only when it runs; they may be in packages that the program's own libraries need. */
  readonly opens: readonly string[];
}

/**
 * Fetches a program by `apt-get download` and `dpkg-deb -x`. It is not installed, so nothing is configured, no service
 * starts, and no privileges are needed. Null if everything is there; otherwise the reason, as the end of a sentence.
 */
export function fetchProgram(
  { packages, more, folder, find, opens }: Fetch,
  say: (line: string) => void,
): string | null {
  const holder = packages.find((packageName) => {
    const wanted = [packageName, ...moreOf(packageName, more)];
    say(`fetching ${wanted.join(', ')} from Debian into .cache/debs/ (unpacked, not installed)`);
    return unpack(wanted, folder) && find() !== null;
  });
  const program = find();
  if (holder === undefined || program === null) return 'could not be fetched from Debian (offline?)';

  const missing = (): string[] => missingLibraries(program, opens, folder);
  const known = new Set([holder]);
  for (let needing = [holder]; needing.length > 0 && missing().length > 0; ) {
    const needed = librariesOf(needing).filter((name) => !known.has(name));
    for (const name of needed) known.add(name);
    const libraries = notInstalled(needed);
    if (libraries.length > 0) {
      say(`fetching ${libraries.join(', ')}, which ${holder} needs`);
      unpack(libraries, folder);
    }
    needing = libraries;
  }
  return missing().length === 0 ? null : `lacks the libraries ${missing().join(', ')} here`;
}

/** The further packages of one: `*` stands for its name before the first hyphen. */
export function moreOf(packageName: string, more: readonly string[]): string[] {
  return more.map((name) => name.replace('*', packageName.split('-')[0] ?? ''));
}

/** Removes what has been unpacked. A package that is needed again is fetched again. */
export function removeDownloads(): void {
  rmSync(downloads, { recursive: true, force: true });
  fetched.clear();
}

/** Whether all packages were fetched and unpacked. */
function unpack(packageNames: readonly string[], folder: string): boolean {
  download(packageNames);
  return packageNames.every((name) => {
    const file = readdirSync(downloads).find((entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'));
    return file !== undefined && run('dpkg-deb', ['-x', join(downloads, file), folder]).status === 0;
  });
}

/** Packages that this process has fetched: two programs may share a package or a library. */
const fetched = new Set<string>();

/**
 * Fetches packages in one call of apt, and each alone where apt does not know one of them. It uses the package lists of
 * the machine, or own lists if they are missing or old.
 */
export function download(packageNames: readonly string[]): void {
  for (const made of [downloads, aptFolder]) mkdirSync(made, { recursive: true });
  const wanted = packageNames.filter((name) => !fetched.has(name));
  // Without lists there is no network, and each call would wait for it anew.
  if (wanted.length === 0 || ownListsUpdated === false) return;
  const areFetched =
    run('apt-get', [...machineLists, 'download', ...wanted], downloads).status === 0 ||
    (updateOwnLists() && run('apt-get', [...ownLists, 'download', ...wanted], downloads).status === 0);
  if (areFetched) for (const name of wanted) fetched.add(name);
  else if (wanted.length > 1 && ownListsUpdated === true) for (const name of wanted) download([name]);
}

let ownListsUpdated: boolean | null = null;

function updateOwnLists(): boolean {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(aptFolder, folder), { recursive: true });
  ownListsUpdated ??= run('apt-get', [...ownLists, 'update']).status === 0;
  return ownListsUpdated;
}

/** The libraries that the packages depend on. */
function librariesOf(packageNames: readonly string[]): string[] {
  const lists = ownListsUpdated === true ? ownLists : machineLists;
  const { stdout } = run('apt-cache', [...lists, 'depends', '--no-suggests', '--no-recommends', ...packageNames]);
  const needed = [...stdout.matchAll(/Depends: (lib[\w.+-]+|zlib1g)$/gm)].map((match) => match[1] as string);
  return [...new Set(needed)].filter((name) => name !== 'libc6');
}

/** An installed library has what it needs itself, too. */
function notInstalled(packageNames: readonly string[]): string[] {
  const { stdout } = run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packageNames]);
  const installed = new Set([...stdout.matchAll(/^(\S+) installed$/gm)].map((match) => match[1] as string));
  return packageNames.filter((name) => !installed.has(name));
}

function missingLibraries(program: string, opens: readonly string[], folder: string): string[] {
  const folders = libraryFolders(folder);
  const opened = opens.flatMap((name) => folders.map((lib) => join(lib, name)).filter((file) => existsSync(file)));
  const { stdout } = run('ldd', [program, ...opened], folder, { LD_LIBRARY_PATH: folders.join(delimiter) });
  return [...new Set([...stdout.matchAll(/(\S+) => not found/g)].map((match) => match[1] as string))];
}

/** The folders below `folder` that have libraries, those of one package's own among them (`…-linux-gnu/pulseaudio`). */
export function libraryFolders(folder: string): string[] {
  return ['usr/lib', 'lib'].flatMap((lib) => {
    const base = join(folder, lib);
    const triples = foldersIn(base).filter((path) => path.includes('-linux-'));
    return [...triples.flatMap((triple) => [triple, ...foldersIn(triple).filter(hasLibraries)]), base];
  });
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

function hasLibraries(folder: string): boolean {
  return readdirSync(folder).some((name) => /^lib.*\.so/.test(name));
}

/** A fetch that hangs must not delay the tests for longer than this. Chromium's hundred megabytes need 400 kB a second. */
const fetchMsMax = 300_000;

function run(
  command: string,
  args: readonly string[],
  cwd = process.cwd(),
  env: Record<string, string> = {},
): { status: number | null; stdout: string } {
  const ran = spawnSync(command, args, {
    cwd,
    env: { ...process.env, LC_ALL: 'C', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: fetchMsMax,
  });
  return { status: ran.status, stdout: ran.stdout ?? '' };
}
