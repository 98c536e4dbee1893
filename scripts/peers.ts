import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debsFolder, download, fetchProgram, libraryFolders, moreOf, removeDownloads } from './fetch-peer.ts';

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
  | 'pebble-challtestsrv'
  | 'chromium'
  | 'prometheus'
  | 'promtool'
  | 'litmus'
  | 'php-fpm'
  | 'mariadbd'
  | 'postgres'
  | 'redis-server'
  | 'wordpress'
  | 'phpmyadmin';

export type Peer =
  | { readonly path: string; readonly env: Readonly<Record<string, string>> }
  /** One sentence for the reason of a skipped test. */
  | { readonly missing: string };

interface PeerSpec {
  /** Debian's packages that may contain the program, likeliest first. */
  readonly packages: readonly string[];
  /** Where the program is in the package, if in none of the usual folders, or if the file there is a script with fixed paths; the first that is there. */
  readonly program?: string | readonly string[];
  /** Packages that it needs besides libraries; `*` stands for the beginning of a name that has the version, such as `php8.2` of `php8.2-fpm`. */
  readonly more?: readonly string[];
  /** Libraries that it opens only when it runs. */
  readonly opens?: readonly string[];
}

/** Of phpMyAdmin. */
const javaScripts = [
  'codemirror',
  'jquery',
  'jquery-mousewheel',
  'jquery-tablesorter',
  'jquery-timepicker',
  'jquery-ui',
].map((name) => `libjs-${name}`);
const phpLibraries = [
  ...['composer-ca-bundle', 'fig-http-message-util', 'getallheaders', 'google-recaptcha', 'mariadb-mysql-kbs'],
  ...['nikic-fast-route', 'phpmyadmin-motranslator', 'phpmyadmin-shapefile', 'phpmyadmin-sql-parser', 'psr-cache'],
  ...['psr-container', 'psr-http-factory', 'psr-http-message', 'psr-log', 'slim-psr7', 'symfony-cache'],
  ...['symfony-cache-contracts', 'symfony-config', 'symfony-dependency-injection', 'symfony-deprecation-contracts'],
  ...['symfony-expression-language', 'symfony-filesystem', 'symfony-polyfill-php80', 'symfony-service-contracts'],
  ...['symfony-var-exporter', 'twig', 'twig-i18n-extension', 'webmozart-assert'],
].map((name) => `php-${name}`);

const specs: Readonly<Record<PeerName, PeerSpec>> = {
  // The second package has a module that compresses by br.
  nginx: { packages: ['nginx', 'nginx-core'], more: ['libnginx-mod-http-brotli-filter'] },
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
  chromium: {
    packages: ['chromium'],
    program: 'usr/lib/chromium/chromium',
    more: ['chromium-common', 'fonts-dejavu-core'],
    opens: ['libsoftokn3.so'],
  },
  prometheus: { packages: ['prometheus'] },
  promtool: { packages: ['prometheus'] },
  // A test of WebDAV servers. Its command is a script with fixed paths; this is one of its programs.
  litmus: { packages: ['litmus'], program: 'usr/libexec/litmus/copymove' },
  'php-fpm': {
    packages: ['php8.2-fpm', 'php8.4-fpm'],
    program: ['usr/sbin/php-fpm8.2', 'usr/sbin/php-fpm8.4'],
    more: ['*-common', '*-opcache', '*-mbstring', '*-mysql', '*-xml', 'libonig5'],
  },
  mariadbd: { packages: ['mariadb-server-core'], more: ['mariadb-server'] },
  postgres: {
    packages: ['postgresql-15', 'postgresql-17'],
    program: ['usr/lib/postgresql/15/bin/postgres', 'usr/lib/postgresql/17/bin/postgres'],
  },
  'redis-server': { packages: ['redis-tools'], more: ['redis-server'] },
  wordpress: {
    packages: ['wordpress'],
    program: 'usr/share/wordpress/index.php',
    more: ['wordpress-theme-twentytwentythree', 'libjs-underscore', 'libjs-cropper', 'php-getid3'],
  },
  phpmyadmin: {
    packages: ['phpmyadmin'],
    program: 'usr/share/phpmyadmin/index.php',
    more: [...javaScripts, ...phpLibraries],
  },
};

const binFolders = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];

/** Finds a peer on this machine, or unpacked by `preparePeer`. Fetches nothing. */
export function findPeer(name: PeerName): Peer {
  const installed = findInstalled(name);
  if (installed !== null) return { path: installed, env: {} };
  const folder = join(debsFolder, name);
  const unpacked = findUnpacked(name, folder);
  if (unpacked === null)
    return { missing: `${name} is not here; \`npm test\` fetches it where Debian's apt-get is, or install it` };
  const libraries = { LD_LIBRARY_PATH: libraryFolders(folder).join(delimiter) };
  return { path: unpacked, env: name === 'chromium' ? { ...libraries, ...ownFonts(folder) } : libraries };
}

/** Fetches a missing peer from Debian and unpacks it into `.cache/debs/`, with the libraries that this machine lacks. */
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
  const { packages, more = [], opens = [] } = specs[name];
  const find = (): string | null => findUnpacked(name, partial);
  const failure = fetchProgram({ packages, more, folder: partial, find, opens }, say);
  if (failure !== null) {
    rmSync(partial, { recursive: true, force: true });
    return { missing: `${name} ${failure}; install it to run what needs it` };
  }
  if (name === 'chromium') writeFileSync(join(partial, fontsFile), fontConfiguration);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return findPeer(name);
}

/** Prepares several peers. The packages of all that are missing are fetched in one call of apt. */
export function preparePeers(names: readonly PeerName[], say: (line: string) => void): readonly Peer[] {
  const missing = names.filter((name) => 'missing' in findPeer(name));
  const packages = missing.flatMap((name) => {
    const {
      packages: [holder = ''],
      more = [],
    } = specs[name];
    return [holder, ...moreOf(holder, more)];
  });
  if (packages.length > 0 && findInstalled('apt-get') !== null) {
    say(`fetching ${[...new Set(packages)].join(', ')} from Debian`);
    download([...new Set(packages)]);
  }
  try {
    return names.map((name) => preparePeer(name, say));
  } finally {
    if (missing.length > 0) removeDownloads();
  }
}

function findInstalled(program: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? null;
}

function findUnpacked(name: PeerName, folder: string): string | null {
  const { program } = specs[name];
  const files = program === undefined ? binFolders.map((bin) => join(bin, name)) : [program].flat();
  return files.map((file) => join(folder, file)).find((file) => existsSync(file)) ?? null;
}

const fontsFile = 'fonts.conf';

/** Without a configuration of fonts, which Debian's packages leave to their installation, Chromium draws no letter. */
const fontConfiguration = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`;

/** The machine's own configuration of fonts is preferred. */
function ownFonts(folder: string): Record<string, string> {
  return existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_FILE: join(folder, fontsFile) };
}
