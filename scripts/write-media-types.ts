/** Writes src/features/files/worker-media-types.ts from mime-db: after an update of it, `node scripts/write-media-types.ts`. */
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface MediaType {
  readonly source?: string;
  readonly extensions?: readonly string[];
}

const facets: readonly (readonly [prefix: string, score: number])[] = [
  ['prs.', 100],
  ['x-', 200],
  ['x.', 300],
  ['vnd.', 400],
];
const sources: Readonly<Record<string, number>> = { nginx: 10, apache: 20, iana: 40 };
const kinds: Readonly<Record<string, number>> = { application: 1, font: 2, audio: 2, video: 3 };

/** Which of several types an extension gets: a registered one before others, and video/mp4 before application/mp4. The order of the npm package mime-types. */
function scoreOf(type: string, { source = '' }: MediaType): number {
  if (type === 'application/octet-stream') return 0;
  const [kind = '', subtype = ''] = type.split('/');
  const facet = facets.find(([prefix]) => subtype.startsWith(prefix))?.[1] ?? 900;
  return facet + (sources[source] ?? 30) + (kinds[kind] ?? 0) + 1 - type.length / 100;
}

/** Each type with its extensions and a semicolon. */
function mediaTypes(): string[] {
  const all = createRequire(import.meta.url)('mime-db') as Readonly<Record<string, MediaType>>;
  const best = new Map<string, { readonly type: string; readonly score: number }>();
  for (const [type, entry] of Object.entries(all))
    for (const extension of entry.extensions ?? []) {
      const score = scoreOf(type, entry);
      if (score > (best.get(extension)?.score ?? -1)) best.set(extension, { type, score });
    }
  const extensionsOf = new Map<string, string[]>();
  for (const [extension, { type }] of [...best].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    extensionsOf.set(type, [...(extensionsOf.get(type) ?? []), extension]);
  return [...extensionsOf]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([type, extensions]) => `${type} ${extensions.join(' ')};`);
}

function inLines(parts: readonly string[]): string {
  const lines = [''];
  for (const part of parts)
    if ((lines.at(-1) ?? '').length + part.length > 118) lines.push(part);
    else lines.push(`${lines.pop() ?? ''}${part}`);
  return lines.join('\n');
}

const mediaTypesPath = join(import.meta.dirname, '..', 'src', 'features', 'files', 'worker-media-types.ts');

export function mediaTypesFile(): string {
  const header =
    '/** Media types with their extensions, of mime-db (MIT). Written by scripts/write-media-types.ts. */\n';
  return `${header}export const mediaTypes = \`\n${inLines(mediaTypes())}\n\`;\n`;
}

if (import.meta.main) writeFileSync(mediaTypesPath, mediaTypesFile());
