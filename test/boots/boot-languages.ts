import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { debsFolder, download, fetchProgram, libraryFolders } from '../../scripts/fetch-peer.ts';
import { cacheFolder } from '../../scripts/repository.ts';
import type { BootLanguage } from './boot-case.ts';

export interface Languages {
  /** PATH for the cases. */
  readonly path: string;
  /** Why the cases of a language cannot be played here. */
  readonly missing: ReadonlyMap<BootLanguage, string>;
}

const bin = join(cacheFolder, 'boots', 'bin');
const systemFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Interpreters as Debian ships them, unpacked where this machine lacks them, each behind a script that becomes it. */
export function prepareLanguages(say: (line: string) => void): Languages {
  mkdirSync(bin, { recursive: true });
  const missing = new Map<BootLanguage, string>();
  write('node', `exec '${process.execPath}' "$@"`);
  for (const [language, prepare] of Object.entries(preparations)) {
    const failure = prepare(say);
    if (failure !== null) missing.set(language as BootLanguage, failure);
  }
  return { path: [bin, ...systemFolders].join(delimiter), missing };
}

/** Without fetching: what the short form needs. */
export function nodeAlone(): Languages {
  const folder = dirname(process.execPath);
  return { path: [folder, ...systemFolders].join(delimiter), missing: new Map() };
}

const preparations: Readonly<Record<string, (say: (line: string) => void) => string | null>> = {
  python: (say) => {
    if (!isHere('python3')) return 'python3 is not here';
    const folder = fetchedAll('boots-python', ['gunicorn', 'uvicorn', 'h11', 'click', 'asgiref'].map(python), say);
    if (folder === null) return 'gunicorn and uvicorn could not be fetched from Debian';
    const packages = join(folder, 'usr/lib/python3/dist-packages');
    for (const name of ['gunicorn', 'uvicorn'])
      write(name, `export PYTHONPATH='${packages}'`, `exec python3 -m ${name} "$@"`);
    return null;
  },
  ruby: (say) => {
    const folder = join(debsFolder, 'boots-ruby');
    const find = (): string | null => globSync(join(folder, 'usr/bin/ruby3.*'))[0] ?? null;
    const libraries = ['libruby3.1', 'rubygems-integration', 'ruby-rubygems', 'puma', 'ruby-nio4r', 'ruby-rack'];
    const failure =
      find() === null
        ? fetchProgram({ packages: ['ruby3.1'], more: libraries, folder: made(folder), find, opens: [] }, say)
        : null;
    const ruby = find();
    if (failure !== null || ruby === null) return `ruby ${failure ?? 'is not here'}`;
    const paths = globSync(
      [
        ...['usr/lib/ruby/vendor_ruby', 'usr/lib/ruby/vendor_ruby/3.*', 'usr/lib/ruby/3.*'],
        ...['usr/lib/*-linux-gnu/ruby/vendor_ruby/3.*', 'usr/lib/*-linux-gnu/ruby/3.*'],
        'usr/share/rubygems-integration/all/gems/*/lib',
        'usr/lib/*-linux-gnu/rubygems-integration/*/gems/*/lib',
        'usr/lib/*-linux-gnu/rubygems-integration/*/extensions/*/*/*',
      ].map((pattern) => join(folder, pattern)),
    );
    const set = [
      `export LD_LIBRARY_PATH='${libraryFolders(folder).join(delimiter)}'`,
      `export RUBYLIB='${paths.join(delimiter)}'`,
    ];
    write('ruby', ...set, `exec '${ruby}' "$@"`);
    write('puma', ...set, `exec '${ruby}' -e 'require "puma/cli"; Puma::CLI.new(ARGV).run' -- "$@"`);
    return null;
  },
  go: (say) => {
    const folder = fetchedAll('boots-go', ['golang-1.19-go', 'golang-1.19-src'], say);
    if (folder === null) return 'go could not be fetched from Debian';
    const root = join(folder, 'usr/lib/go-1.19');
    write(
      'go',
      `export GOROOT='${root}' GOCACHE='${made(join(cacheFolder, 'boots', 'go'))}' GO111MODULE=off CGO_ENABLED=0`,
      `exec '${root}/bin/go' "$@"`,
    );
    return null;
  },
  java: () => (isHere('java') && isHere('javac') ? null : 'java and javac are not here'),
  php: (say) => {
    const folder = join(debsFolder, 'boots-php');
    const find = (): string | null => globSync(join(folder, 'usr/bin/php8.*'))[0] ?? null;
    const failure =
      find() === null
        ? fetchProgram({ packages: ['php8.2-cli'], more: ['*-common'], folder: made(folder), find, opens: [] }, say)
        : null;
    const php = find();
    if (failure !== null || php === null) return `php ${failure ?? 'is not here'}`;
    write('php', `export LD_LIBRARY_PATH='${libraryFolders(folder).join(delimiter)}'`, `exec '${php}' -n "$@"`);
    return null;
  },
};

const python = (name: string): string => `python3-${name}`;

function isHere(program: string): boolean {
  return systemFolders.some((folder) => existsSync(join(folder, program)));
}

/** The folder into which all of them are unpacked; null where one could not be fetched. */
function fetchedAll(name: string, packages: readonly string[], say: (line: string) => void): string | null {
  const folder = join(debsFolder, name);
  if (existsSync(folder)) return folder;
  say(`fetching ${packages.join(', ')} from Debian into .cache/debs/ (unpacked, not installed)`);
  download(packages);
  made(folder);
  for (const one of packages) {
    const file = globSync(join(debsFolder, 'downloads', `${one}_*.deb`))[0];
    if (file !== undefined && spawnSync('dpkg-deb', ['-x', file, folder]).status === 0) continue;
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  return folder;
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

function write(name: string, ...lines: readonly string[]): void {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
}
