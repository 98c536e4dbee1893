import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';

/** A fenced block of a Markdown document. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The number of its first line in the document. */
  readonly line: number;
  /** The nearest heading before it, without its marks. */
  readonly heading: string;
}

interface Link {
  readonly target: string;
  readonly line: number;
}

export function readDocument(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

export function blocksOf(document: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; line: number; heading: string; lines: string[] } | null = null;
  document.split('\n').forEach((line, index) => {
    const fence = /^```(\w*)\s*$/.exec(line);
    if (fence === null) {
      if (open !== null) open.lines.push(line);
      else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    } else if (open === null) {
      open = { language: fence[1] ?? '', line: index + 2, heading, lines: [] };
    } else {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line, heading: open.heading });
      open = null;
    }
  });
  return blocks;
}

/** Links of the prose; what stands in code is an example. */
export function linksOf(document: string): readonly Link[] {
  return proseOf(document).flatMap(({ text, line }) =>
    [...text.replace(/`[^`]*`/g, (code) => 'x'.repeat(code.length)).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
      target: match[1] as string,
      line,
    })),
  );
}

/** Where a link with `#` may lead: headings as GitHub names them, and anchors that are written out. */
export function anchorsOf(document: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { text } of proseOf(document)) {
    for (const match of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(match[1] as string);
    const title = /^#+ (.*)$/.exec(text)?.[1];
    if (title !== undefined) anchors.add(uniqueIn(anchors, slugOf(title)));
  }
  return anchors;
}

function proseOf(document: string): readonly { text: string; line: number }[] {
  let inCode = false;
  return document.split('\n').flatMap((text, index) => {
    if (text.startsWith('```')) {
      inCode = !inCode;
      return [];
    }
    return inCode ? [] : [{ text, line: index + 1 }];
  });
}

function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

/** A heading that occurs again gets a number, from 1. */
function uniqueIn(anchors: ReadonlySet<string>, slug: string): string {
  if (!anchors.has(slug)) return slug;
  for (let number = 1; ; number++) if (!anchors.has(`${slug}-${number}`)) return `${slug}-${number}`;
}
