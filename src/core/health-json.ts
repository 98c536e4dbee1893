import { visibleLine } from '#failures/invisible-characters.ts';

/** Reads `application/health+json` (draft-inadarei-api-health-check) as advice: the status of the response decides, the body says why. */

/** A page may list hundreds of checks; a reader has seen enough after these. */
const shownMax = 3;

/** One clause about the checks that do not pass, such as 'db:connections fails: timed out'; null where the body says nothing of that kind. */
export function healthAdvice(text: string): string | null {
  const health = parsedMap(text);
  if (health === null) return null;
  const troubled = Object.entries(mapIn(health['checks']) ?? {}).flatMap(([name, entries]) => troubleOf(name, entries));
  const fails = troubled.filter(({ verb }) => verb === 'fails');
  const all = [...fails, ...troubled.filter(({ verb }) => verb !== 'fails')];
  const own = textIn(health['output']);
  if (all.length === 0) return own === '' ? null : own;
  const rest = all.length > shownMax ? `, and ${all.length - shownMax} more` : '';
  const shown = all
    .slice(0, shownMax)
    .map(({ name, verb, output }) => `${name} ${verb}${output === '' ? '' : `: ${output}`}`);
  return `${shown.join('; ')}${rest}`;
}

/** The status of the whole document; '' where there is none. */
export function healthStatus(text: string): string {
  return textIn(parsedMap(text)?.['status']);
}

interface Trouble {
  readonly name: string;
  readonly verb: 'fails' | 'warns';
  readonly output: string;
}

/** The draft has lists of entries; many libraries write one entry alone. */
function troubleOf(name: string, entries: unknown): readonly Trouble[] {
  const list: readonly unknown[] = Array.isArray(entries) ? entries : [entries];
  for (const entry of list) {
    const one = mapIn(entry);
    const status = textIn(one?.['status']).toLowerCase();
    const verb = failing.has(status) ? 'fails' : status === 'warn' ? 'warns' : null;
    if (one !== null && verb !== null) return [{ name: short(name), verb, output: textIn(one['output']) }];
  }
  return [];
}

/** `error` and `down` are the draft's equivalents of `fail` (Node's Terminus, Spring Boot). */
const failing: ReadonlySet<string> = new Set(['fail', 'error', 'down']);

function parsedMap(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return mapIn(JSON.parse(text));
  } catch {
    return null; // Cut off, or no JSON: then the status alone says what there is to say.
  }
}

function mapIn(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? short(value) : '';
}

const charactersMax = 80;

function short(text: string): string {
  const line = visibleLine(text);
  return line.length <= charactersMax ? line : `${line.slice(0, charactersMax - 1)}…`;
}
