import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolder } from './repository.ts';

/** Programs of other projects that tests and measurements run beside Candor. */
export type PeerName =
  | 'nginx'
  | 'haproxy'
  | 'caddy'
  | 'apache2'
  | 'varnishd'
  | 'varnishlog'
  | 'wrk'
  | 'h2load'
  | 'nghttp'
  | 'nghttpd'
  | 'curl'
  | 'pebble'
  | 'pebble-challtestsrv';

export type Peer =
  | { readonly path: string; readonly env: Readonly<Record<string, string>> }
  /** One sentence for the reason of a skipped test. */
  | { readonly missing: string };

interface PeerSpec {
  /** Debian's packages that may contain the program, likeliest first. */
  readonly packages: readonly string[];
}

const specs: Readonly<Record<PeerName, PeerSpec>> = {
  nginx: { packages: ['nginx', 'nginx-core'] },
  haproxy: { packages: ['haproxy'] },
  caddy: { packages: ['caddy'] },
  apache2: { packages: ['apache2-bin'] },
  varnishd: { packages: ['varnish'] },
  // In the same package; it needs other libraries.
  varnishlog: { packages: ['varnish'] },
  wrk: { packages: ['wrk'] },
  // Clients and a server of nghttp2.
  h2load: { packages: ['nghttp2-client'] },
  nghttp: { packages: ['nghttp2-client'] },
  nghttpd: { packages: ['nghttp2-server'] },
  curl: { packages: ['curl'] },
  // A CA for tests of ACME, and the name server and challenge server that its tests use.
  pebble: { packages: ['pebble'] },
  'pebble-challtestsrv': { packages: ['pebble'] },
};

const binFolders = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];
const debsFolder = join(cacheFolder, 'debs');
const aptFolder = join(debsFolder, 'apt');

/**
 * Container images often tell apt not to cache its package lists, so that each of some thirty calls parses them again, for a
 * second. apt itself notices when a list has changed.
 */
const machineLists: readonly string[] = ['-o', `Dir::Cache::pkgcache=${join(aptFolder, 'of-machine.bin')}`];
const ownLists: readonly string[] = [
  ...['-o', `Dir::State::lists=${join(aptFolder, 'lists')}`],
  ...['-o', `Dir::Cache=${aptFolder}`],
  ...['-o', `Dir::Cache::pkgcache=${join(aptFolder, 'own.bin')}`],
  ...['-o', 'Debug::NoLocking=true'],
];

/** Finds a peer on this machine, or unpacked by `preparePeer`. Fetches nothing. */
export function findPeer(name: PeerName): Peer {
  const installed = findInstalled(name);
  if (installed !== null) return { path: installed, env: {} };
  const unpacked = findUnpacked(name, join(debsFolder, name));
  if (unpacked !== null) return { path: unpacked, env: { LD_LIBRARY_PATH: libraryFolders(name).join(delimiter) } };
  return { missing: `${name} is not here; \`npm test\` fetches it where Debian's apt-get is, or install it` };
}

/**
 * Fetches a missing peer by `apt-get download` and `dpkg-deb -x` into `.cache/debs/`. It is not installed, so nothing is
 * configured, no service starts, and no privileges are needed.
 */
export function preparePeer(name: PeerName, say: (line: string) => void): Peer {
  const found = findPeer(name);
  if ('path' in found) return found;
  if (findInstalled('apt-get') === null || findInstalled('dpkg-deb') === null) {
    return { missing: `${name} is not here, nor is apt-get to fetch it: install ${name}` };
  }
  const folder = join(debsFolder, name);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const failure = fetchProgram(name, partial, say);
  if (failure !== null) {
    rmSync(partial, { recursive: true, force: true });
    return { missing: failure };
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return findPeer(name);
}

/** Null if everything is there; otherwise the reason. */
function fetchProgram(name: PeerName, folder: string, say: (line: string) => void): string | null {
  const holder = specs[name].packages.find((packageName) => {
    say(`fetching ${packageName} from Debian into .cache/debs/ (unpacked, not installed)`);
    return unpack(packageName, folder) && findUnpacked(name, folder) !== null;
  });
  if (holder === undefined)
    return `${name} could not be fetched from Debian (offline?); install it to run what needs it`;

  const program = findUnpacked(name, folder) as string;
  const known = new Set([holder]);
  for (const needing of known) {
    for (const library of librariesOf(needing, known)) {
      if (missingLibraries(program, folder).length === 0) break;
      if (known.has(library)) continue;
      known.add(library);
      say(`fetching ${library}, which ${needing} needs`);
      unpack(library, folder);
    }
  }
  const missing = missingLibraries(program, folder);
  return missing.length === 0 ? null : `${name} lacks the libraries ${missing.join(', ')} here; install ${name}`;
}

function unpack(packageName: string, folder: string): boolean {
  const downloads = join(debsFolder, 'downloads');
  for (const made of [downloads, aptFolder]) mkdirSync(made, { recursive: true });
  if (!download(packageName, downloads)) return false;
  const file = readdirSync(downloads).find((entry) => entry.startsWith(`${packageName}_`) && entry.endsWith('.deb'));
  return file !== undefined && run('dpkg-deb', ['-x', join(downloads, file), folder]).status === 0;
}

/** Packages that this process has fetched: two programs may share a package or a library. */
const fetched = new Set<string>();

/** Uses the package lists of the machine, or own lists if they are missing or old. */
function download(packageName: string, folder: string): boolean {
  if (fetched.has(packageName)) return true;
  const isFetched =
    run('apt-get', [...machineLists, 'download', packageName], folder).status === 0 ||
    (updateOwnLists() && run('apt-get', [...ownLists, 'download', packageName], folder).status === 0);
  if (isFetched) fetched.add(packageName);
  return isFetched;
}

let ownListsUpdated: boolean | null = null;

function updateOwnLists(): boolean {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(aptFolder, folder), { recursive: true });
  ownListsUpdated ??= run('apt-get', [...ownLists, 'update']).status === 0;
  return ownListsUpdated;
}

/** The libraries that each requested package depends on. */
const librariesKnown = new Map<string, readonly string[]>();

/** Asks for other packages too, which may be needed next, in the same call. */
function librariesOf(packageName: string, others: Iterable<string>): readonly string[] {
  if (!librariesKnown.has(packageName)) askLibraries([...others].filter((name) => !librariesKnown.has(name)));
  return librariesKnown.get(packageName) ?? [];
}

function askLibraries(packageNames: readonly string[]): void {
  const lists = ownListsUpdated === true ? ownLists : machineLists;
  const { stdout } = run('apt-cache', [...lists, 'depends', '--no-suggests', '--no-recommends', ...packageNames]);
  // A line with the name of the package, and an indented line for each dependency.
  for (const [, packageName = '', lines = ''] of stdout.matchAll(/^(\S+)\n((?: .*\n)*)/gm)) {
    const needed = [...lines.matchAll(/Depends: (lib[\w.+-]+|zlib1g)/g)].map((match) => match[1] as string);
    librariesKnown.set(
      packageName,
      needed.filter((name) => name !== 'libc6'),
    );
  }
}

function missingLibraries(program: string, folder: string): string[] {
  const { stdout } = run('ldd', [program], folder, { LD_LIBRARY_PATH: foldersWithLibraries(folder).join(delimiter) });
  return [...stdout.matchAll(/(\S+) => not found/g)].map((match) => match[1] as string);
}

function libraryFolders(name: PeerName): string[] {
  return foldersWithLibraries(join(debsFolder, name));
}

function foldersWithLibraries(folder: string): string[] {
  return ['usr/lib', 'lib'].flatMap((lib) => {
    const base = join(folder, lib);
    if (!existsSync(base)) return [];
    const triples = readdirSync(base).filter((entry) => entry.includes('-linux-'));
    return [...triples.map((triple) => join(base, triple)), base];
  });
}

function findInstalled(program: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? null;
}

function findUnpacked(program: string, folder: string): string | null {
  return binFolders.map((bin) => join(folder, bin, program)).find((file) => existsSync(file)) ?? null;
}

/** A fetch that hangs must not delay the tests for longer than this. */
const fetchMsMax = 120_000;

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
