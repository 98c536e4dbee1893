import type { ScriptFault } from '#failures/failure.ts';
import type { ScriptFacts } from '../../core/cgi.ts';
import type { PhpSpec } from './settings.ts';
import type { FoundPath } from './worker-scripts.ts';

/** `ask`: what the path below the root is decides on. */
export type ScriptChoice =
  /** `isNamed`: by the path; otherwise it is the front controller, which no client has chosen. */
  | { readonly kind: 'script'; readonly script: ScriptFacts; readonly isNamed: boolean }
  /** The path is that of a folder, without its slash. */
  | { readonly kind: 'folder' }
  | { readonly kind: 'none'; readonly script: string; readonly why: ScriptFault }
  | { readonly kind: 'ask'; readonly path: string };

/** Names of programs are text of bytes, as paths are. */
export interface ProgramSpec extends PhpSpec {
  /** Of each program, likewise. */
  readonly ofEach: Pick<ScriptFacts, 'root' | 'variables'>;
}

export function inBytes(spec: PhpSpec): ProgramSpec {
  const { index, split, frontController, root, variables } = spec;
  const ofEach = Object.entries(variables).map(([name, value]) => [name, bytesOf(value)]);
  return {
    ...{ ...spec, index: bytesOf(index), split: bytesOf(split) },
    frontController: frontController === null ? null : bytesOf(frontController),
    ofEach: { root: bytesOf(root), variables: Object.fromEntries(ofEach) },
  };
}

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');

/**
 * The program that a request for `path`, which is decoded, is for:
 *
 * - the first part of the path that ends with `split` and is a file; a path that names a program which does not exist is never another one's, so that
 *   `/image.jpg/x.php` runs nothing;
 * - of a folder, its index;
 * - else the front controller.
 */
export function chooseScript(path: string, spec: ProgramSpec, known: (path: string) => FoundPath | null): ScriptChoice {
  for (let end = scriptEnd(path, spec.split, 0); end > 0; end = scriptEnd(path, spec.split, end)) {
    const name = path.slice(0, end);
    const choice = chosen(name, path.slice(end), spec, known);
    if (choice.kind !== 'none' || choice.why !== 'not_a_file') return choice;
  }
  return chooseUnnamed(path, spec, known);
}

/** Where the next part ends that has the ending of a program, behind `from`; −1: there is none. */
function scriptEnd(path: string, ending: string, from: number): number {
  for (let at = path.indexOf(ending, from); at >= 0; at = path.indexOf(ending, at + 1)) {
    const end = at + ending.length;
    if (end === path.length || path[end] === '/') return end;
  }
  return -1;
}

function chosen(
  name: string,
  pathInfo: string,
  spec: ProgramSpec,
  known: (path: string) => FoundPath | null,
): ScriptChoice {
  const found = spec.remote ? 'file' : known(name);
  if (found === null) return { kind: 'ask', path: name };
  if (found === 'file') return { kind: 'script', script: { ...spec.ofEach, name, pathInfo }, isNamed: true };
  return { kind: 'none', script: name, why: found === 'folder' ? 'not_a_file' : found };
}

/** The path names no program. Where the folder is elsewhere, only the root is known to be a folder. */
function chooseUnnamed(path: string, spec: ProgramSpec, known: (path: string) => FoundPath | null): ScriptChoice {
  const { frontController, remote } = spec;
  const isFolder = path.endsWith('/');
  const index = `${path}${isFolder ? '' : '/'}${spec.index}`;
  if (!remote || (isFolder && (frontController === null || path === '/'))) {
    const choice = chosen(index, '', spec, known);
    if (choice.kind === 'script' && !isFolder) return { kind: 'folder' };
    if (choice.kind !== 'none' || frontController === null) return choice;
  }
  if (frontController === null) return { kind: 'none', script: path, why: 'missing' };
  const choice = chosen(frontController, '', spec, known);
  return choice.kind === 'script' ? { ...choice, isNamed: false } : choice;
}
