import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reportStyle } from '../src/cli/explain-log/report-style.ts';
import { cacheFolder, repositoryRoot, toolPath } from './repository.ts';

const source = join(repositoryRoot, 'docs', 'paste');

/** Creates the page on which people paste a log, as one file that loads no other file and can send nothing. */
export function buildPastePage(): string {
  const script = joinModules(compile());
  const style = reportStyle + readFileSync(join(source, 'page.css'), 'utf8');
  // Allows exactly this script and this style; no images, no requests, no forms.
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const parts: Readonly<Record<string, string>> = { policy, style, script };
  return readFileSync(join(source, 'page.html'), 'utf8').replace(
    /\{\{(\w+)\}\}/g,
    (_, name: string) => parts[name] ?? '',
  );
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** The compiled modules, by their path from the root. */
function compile(): Map<string, string> {
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, 'paste-'));
  try {
    const args = [toolPath('typescript', 'tsc'), '-p', join(source, 'tsconfig.json'), '--outDir', folder];
    const ran = spawnSync(process.execPath, args, { cwd: repositoryRoot, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`the page does not compile:\n${ran.stdout}${ran.stderr}`);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [relative(folder, path), readFileSync(path, 'utf8')];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Modules as functions that run when they are first imported; only modules that the page reaches. */
function joinModules(modules: ReadonlyMap<string, string>): string {
  const first = 'docs/paste/page.js';
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, to = ''] of textOf(modules, path).matchAll(requirePattern)) reach(resolvePath(path, to));
  };
  reach(first);
  const functions = [...reached].map((path) => {
    const text = textOf(modules, path).replace(
      requirePattern,
      (_, to: string) => `require('${resolvePath(path, to)}')`,
    );
    return `'${path}': (exports, require) => {\n${text}}`;
  });
  const script = `'use strict';
const modules = {${functions.join(',\n')}};
const loaded = {};
const require = (path) => {
  if (loaded[path] === undefined) modules[path]((loaded[path] = {}), require);
  return loaded[path];
};
require('${first}');
`;
  // `</script` and `<!--` occur only in strings and patterns, where the escaped forms mean the same and do not end the
  // element.
  return script.replace(/<\/(?=script)/gi, '<\\/').replace(/<!--/g, '<\\!--');
}

const requirePattern = /\brequire\("(\.[^"]+)"\)/g;

function textOf(modules: ReadonlyMap<string, string>, path: string): string {
  const text = modules.get(path);
  if (text === undefined) throw new Error(`the page asks for ${path}, which is none of its modules`);
  return text;
}

function resolvePath(from: string, to: string): string {
  return join(from, '..', to);
}
