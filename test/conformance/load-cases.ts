import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One case of the documents in this folder. */
export interface ConformanceCase {
  /** File and line: 'content-length.md:14 Two values'. */
  readonly name: string;
  readonly kind: 'request' | 'response';
  /** For a response: the method of the request that it answers. */
  readonly method: string;
  readonly bytes: Buffer;
  readonly verdict: readonly string[];
  /** The readers that differ, and how (`read-otherwise.md`): the lines of its last block. */
  readonly others: readonly string[];
}

/** All cases, by file and in their order. Throws for a document that does not follow README.md. */
export function loadCases(folder: string = import.meta.dirname): readonly ConformanceCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.md') && file !== 'README.md');
  return files.sort().flatMap((file) => readCases(file, readFileSync(join(folder, file), 'utf8')));
}

/** The cases of one document. */
export function readCases(file: string, text: string): readonly ConformanceCase[] {
  const cases: (ConformanceCase & { others: readonly string[] })[] = [];
  let title = '';
  let titleLine = 0;
  let message: Pick<ConformanceCase, 'kind' | 'method' | 'bytes'> | null = null;
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (line.startsWith('#')) {
      title = line.replace(/^#+ /, '');
      titleLine = index + 1;
    }
    if (!line.startsWith('```')) continue;
    const close = lines.indexOf('```', index + 1);
    const block = lines.slice(index + 1, close);
    const info = line.slice(3);
    if (close < 0) throw new Error(`${file}:${index + 1}: the block does not end`);
    if (info === 'verdict') {
      if (message === null) throw new Error(`${file}:${index + 1}: a verdict without bytes`);
      cases.push({ name: `${file}:${titleLine} ${title}`, ...message, verdict: block, others: [] });
      message = null;
    } else if (info === 'others') {
      const last = cases.at(-1);
      if (last === undefined || message !== null) throw new Error(`${file}:${index + 1}: others without a verdict`);
      last.others = block;
    } else message = { ...kindOf(info, `${file}:${index + 1}`), bytes: bytesOf(block) };
    index = close;
  }
  return cases;
}

function kindOf(info: string, place: string): { kind: 'request' | 'response'; method: string } {
  const [, kind, method = 'GET'] = /^http (request|response)(?: to ([A-Z]+))?$/.exec(info) ?? [];
  if (kind !== 'request' && kind !== 'response') throw new Error(`${place}: "${info}" is no kind of block`);
  return { kind, method };
}

function bytesOf(lines: readonly string[]): Buffer {
  const text = lines.map((line) => (/(?:^|[^\\])(?:\\\\)*\\$/.test(line) ? line.slice(0, -1) : `${line}\r\n`)).join('');
  return unescaped(text);
}

const escapes: Readonly<Record<string, number>> = { r: 0x0d, n: 0x0a, t: 0x09, '0': 0, '\\': 0x5c };

function unescaped(text: string): Buffer {
  const parts: Buffer[] = [];
  const form = /\\\{([^}]*)\*(\d+)\}|\\x([0-9a-f]{2})|\\([rnt0\\])|[^\\]+/gy;
  let end = 0;
  for (const [whole, repeated, count, hex, letter] of text.matchAll(form)) {
    end += whole.length;
    if (repeated !== undefined) parts.push(...new Array<Buffer>(Number(count)).fill(unescaped(repeated)));
    else if (hex !== undefined) parts.push(Buffer.from([Number.parseInt(hex, 16)]));
    else if (letter !== undefined) parts.push(Buffer.from([escapes[letter] as number]));
    else parts.push(Buffer.from(whole));
  }
  if (end !== text.length) throw new Error(`an escape that is none: ${text.slice(end, end + 20)}`);
  return Buffer.concat(parts);
}
