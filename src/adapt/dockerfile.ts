import type { Located } from './located.ts';

interface ReadImage {
  readonly command: Located | null;
  readonly port: number | null;
}

/** What the last stage of a Dockerfile, or `target`, starts. */
export function readDockerfile(text: string, target: string | null): ReadImage {
  let entrypoint: readonly string[] | string | null = null;
  let command: readonly string[] | string | null = null;
  let port: number | null = null;
  let isOver = false;
  let stage = '';
  for (const written of text.replace(/\s*\\\r?\n\s*/g, ' ').split(/\r?\n/)) {
    const [, name = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(written) ?? [];
    const instruction = name.toUpperCase();
    if (instruction === 'FROM') {
      isOver ||= target !== null && stage === target;
      stage = /\sas\s+(\S+)$/i.exec(rest)?.[1] ?? '';
      if (!isOver) [entrypoint, command] = [null, null];
    }
    if (isOver) continue;
    if (instruction === 'CMD') command = wordsOf(rest);
    else if (instruction === 'ENTRYPOINT') entrypoint = wordsOf(rest);
    else if (instruction === 'EXPOSE' && /^\d+/.test(rest)) port = Number.parseInt(rest, 10);
  }
  return { command: located(entrypoint, command), port };
}

function wordsOf(written: string): readonly string[] | string {
  if (!written.startsWith('[')) return written;
  try {
    const parsed: unknown = JSON.parse(written);
    if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed;
  } catch {
    // Docker takes it for a line of a shell too.
  }
  return written;
}

function located(
  entrypoint: readonly string[] | string | null,
  command: readonly string[] | string | null,
): Located | null {
  const scalar = (value: string): Located => ({ kind: 'scalar', line: 0, value });
  if (typeof entrypoint === 'string') return scalar(entrypoint);
  if (typeof command === 'string')
    return entrypoint === null ? scalar(command) : scalar([...entrypoint, command].join(' '));
  const words = [...(entrypoint ?? []), ...(command ?? [])];
  return words.length === 0 ? null : { kind: 'list', line: 0, items: words.map(scalar) };
}
