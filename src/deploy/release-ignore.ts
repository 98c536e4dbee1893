import { refuse } from './release-refusal.ts';

/** Whether a path of a tree is left out; paths have no leading slash. */
export type ReleaseIgnore = (path: string, isFolder: boolean) => boolean;

interface IgnoreRule {
  readonly pattern: RegExp;
  readonly foldersAlone: boolean;
  readonly leavesOut: boolean;
}

const always: readonly string[] = ['.git', '**/node_modules/.cache'];

/**
 * Reads a `.candorignore`, which is written like a `.gitignore`: a pattern a line, the last one that matches decides. A
 * pattern without a slash matches a name in any folder; `!` takes a path back in; `#` begins a comment.
 */
export function readIgnore(text: string): ReleaseIgnore {
  const lines = text.split('\n').map((line) => line.trim());
  const rules = [...lines, ...always].filter((line) => line !== '' && !line.startsWith('#')).map(ruleOf);
  return (path, isFolder) => {
    const rule = rules.findLast(({ pattern, foldersAlone }) => (isFolder || !foldersAlone) && pattern.test(path));
    return rule?.leavesOut === true;
  };
}

function ruleOf(line: string): IgnoreRule {
  const leavesOut = !line.startsWith('!');
  const written = line.replace(/^!/, '').replace(/^\\(?=[#!])/, '');
  const foldersAlone = written.endsWith('/');
  const glob = written.replace(/\/+$/, '');
  const anchored = glob.includes('/') ? glob.replace(/^\//, '') : `**/${glob}`;
  try {
    return { pattern: new RegExp(`^${anchored.replace(token, patternOf)}$`, 's'), foldersAlone, leavesOut };
  } catch {
    return refuse('source', `.candorignore has a pattern that cannot be read: ${line}`, 'Correct the set in brackets.');
  }
}

const token = /\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[^]/g;

/** A set of characters is one of RegExp's too, but for its `!` and what would escape. */
function patternOf(part: string): string {
  if (part === '**/') return '(?:.*/)?';
  if (part === '**') return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  if (part.length > 1) return `(?!/)${part.replace(/[\\^]/g, '\\$&').replace(/^\[!/, '[^')}`;
  return part.replace(/[.+^${}()|[\]\\]/, '\\$&');
}
