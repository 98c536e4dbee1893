import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { cacheFolder, repositoryRoot } from './repository.ts';

/** Where a source checkout serves the dashboard from. */
const dashboardFolder: string = join(cacheFolder, 'dashboard');

const page = join(repositoryRoot, 'src', 'dashboard');
/** What the dashboard is made of, besides its packages. */
const sourceFolders = ['packages/failures/src', 'src/dashboard', 'src/core', 'src/diagnose'];
const otherSources = ['package-lock.json', 'scripts/dashboard.ts'];
const stampName = 'stamp';

/**
 * Builds the dashboard: `index.html`, and `assets/` whose names have a hash of the content, with a `.gz` beside each. The folder is
 * replaced when all of it is there. Returns the names of the npm packages that it contains.
 */
export async function buildDashboard(folder: string): Promise<ReadonlySet<string>> {
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  const packages = new Set<string>();
  try {
    await build({
      configFile: false,
      root: page,
      base: './',
      logLevel: 'error',
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        outDir: unfinished,
        emptyOutDir: true,
        target: 'es2022',
        // The policy of the page allows no script or image within it, and its scripts need no help to be loaded.
        assetsInlineLimit: 0,
        modulePreload: false,
        cssCodeSplit: false,
        reportCompressedSize: false,
        license: false,
      },
      plugins: [
        {
          name: 'plain-imports',
          enforce: 'pre',
          // Pages that are loaded later have no style sheets and preloads of their own, for which Vite would add a kilobyte of helpers.
          load: (id) => (id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : null),
        },
        {
          name: 'packages',
          generateBundle(_options, bundle) {
            for (const chunk of Object.values(bundle))
              if (chunk.type === 'chunk') for (const id of chunk.moduleIds) addPackage(packages, id);
          },
        },
      ],
    });
    for (const path of filesIn(unfinished)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    writeFileSync(join(unfinished, stampName), sourceStamp());
    chmodSync(unfinished, 0o755);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return packages;
}

/** Builds the dashboard unless the folder has that of the sources as they are. */
export async function currentDashboard(folder: string = dashboardFolder): Promise<string> {
  const stamp = join(folder, stampName);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== sourceStamp()) await buildDashboard(folder);
  return folder;
}

function addPackage(packages: Set<string>, id: string): void {
  const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
  if (name !== undefined) packages.add(name);
}

/** A hash of the names and contents of all sources. */
function sourceStamp(): string {
  const hash = createHash('sha256');
  const paths = sourceFolders.flatMap((folder) => filesIn(join(repositoryRoot, folder)));
  for (const path of [...paths.toSorted(), ...otherSources.map((file) => join(repositoryRoot, file))]) {
    if (path.endsWith('.test.ts')) continue;
    const content = readFileSync(path);
    hash.update(`${relative(repositoryRoot, path)}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
