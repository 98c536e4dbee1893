import { entries, errorReaders, packages, rooms, roomsWithoutNode, typesAlone, workspaces } from './rooms.ts';
import { lineAt, type Source } from './source.ts';

/** A line that breaks a rule, and what to do instead. */
interface Breach {
  readonly rule: RuleName;
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type RuleName =
  | 'direction'
  | 'node-free'
  | 'package'
  | 'time-and-chance'
  | 'message-text'
  | 'error-code'
  | 'descriptor-advice'
  | 'orphan';

interface Import {
  readonly from: string;
  /** A path from the repository's root, or a package's name as written. */
  readonly to: string;
  readonly line: number;
  /** False for a file that is only named: a worker thread or a child process is started from it. */
  readonly isLoaded: boolean;
  /** `import type`: nothing of the file is loaded. */
  readonly isType: boolean;
}

export function breachText(breach: Breach): string {
  return `${breach.path}:${breach.line} ${breach.message}`;
}

export function findBreaches(sources: readonly Source[], allowed = errorReaders): Breach[] {
  const breaches: Breach[] = [];
  for (const source of sources) {
    if (isTest(source.path)) continue;
    for (const imported of findImports(source)) breaches.push(...judgeImport(imported));
    breaches.push(...judgeTime(source), ...judgeMessage(source), ...judgeErrorCode(source, allowed));
    breaches.push(...judgeAdvice(source));
  }
  return [...breaches, ...findOrphans(sources)];
}

const importPattern =
  /\bfrom\s*'([^']+)'|\bimport\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|\bsiblingModule\(\s*import\.meta\.url,\s*'([^']+)'/g;

/** Static and dynamic imports, and the modules that are named for a worker or a child process. */
export function findImports(source: Source): readonly Import[] {
  const known = foundImports.get(source) ?? importsIn(source);
  foundImports.set(source, known);
  return known;
}

/** Many rules ask for those of the same source. */
const foundImports = new WeakMap<Source, readonly Import[]>();

function importsIn(source: Source): readonly Import[] {
  return [...source.code.matchAll(importPattern)]
    .filter((match) => !isBlank(source.bare, match.index))
    .map((match) => {
      const written = (match[1] ?? match[2] ?? match[3] ?? `${match[4]}.ts`) as string;
      const to = placeOf(source.path, written);
      const isLoaded = match[4] === undefined;
      const statement = source.code.slice(source.code.lastIndexOf(';', match.index) + 1, match.index);
      const isType = /^\s*(?:import|export)\s+type\b/.test(statement);
      return { from: source.path, to, line: lineAt(source.code, match.index), isLoaded, isType };
    });
}

function judgeImport({ from, to, line, isType }: Import): Breach[] {
  const room = roomOf(from);
  const found: Breach[] = [];
  const may = from.startsWith('packages/') ? workspaces[room] : rooms[room];
  if (may === undefined)
    return [{ rule: 'direction', path: from, line: 1, message: `is in a room that rooms.ts does not know: ${room}` }];
  const target = roomOf(to);
  if (isOurs(to) && target !== room && target !== 'failures' && !may.includes(target)) {
    const message = `${room} may not know ${target}: let ${room} say what it needs as an interface, and gateway/ plug it in`;
    found.push({ rule: 'direction', path: from, line, message });
  }
  if (!isType && typesAlone[room]?.includes(target) === true) {
    const message = `${room} runs elsewhere than ${target}: it may import its types alone`;
    found.push({ rule: 'direction', path: from, line, message });
  }
  if (to.startsWith('node:') && roomsWithoutNode.includes(room)) {
    found.push({
      rule: 'node-free',
      path: from,
      line,
      message: `${room} runs without Node: what needs ${to} belongs to another room`,
    });
  }
  const used = packageOf(to);
  if (used !== null && !(packages[room] ?? []).includes(used)) {
    const message = `${room} may not use the package ${used}: another room has it, or packages in rooms.ts grants it with a reason`;
    found.push({ rule: 'package', path: from, line, message });
  }
  return found;
}

/** 'yaml', '@stricli/core': an npm package, whichever file of it is imported. Null: a file of ours, or a module of Node. */
function packageOf(to: string): string | null {
  if (isOurs(to) || to.startsWith('node:') || !/^@?[a-z]/.test(to)) return null;
  return to
    .split('/')
    .slice(0, to.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Which rooms and packages each room imports. */
export function findUse(sources: readonly Source[]): ReadonlyMap<string, ReadonlySet<string>> {
  const use = new Map<string, Set<string>>();
  for (const source of sources) {
    if (isTest(source.path)) continue;
    const room = roomOf(source.path);
    const seen = use.get(room) ?? new Set();
    use.set(room, seen);
    for (const { to } of findImports(source)) seen.add(packageOf(to) ?? (isOurs(to) ? roomOf(to) : to));
  }
  return use;
}

const platformNames: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bDate\.now\b/g, 'Clock.wallTime()'],
  [/\bnew Date\(\s*\)/g, 'new Date(clock.wallTime())'],
  [/\bperformance\.(?:now|timeOrigin|timerify)\b/g, 'Clock.now()'],
  [/\bprocess\.(?:hrtime|uptime)\b/g, 'Clock.now()'],
  [/\b(?:setTimeout|setInterval|setImmediate)\b/g, 'Clock.schedule()'],
  [/\bMath\.random\b/g, 'Random'],
  [/\b(?:randomBytes|randomUUID|randomUUIDv7|randomInt|randomFill|randomFillSync|getRandomValues)\b/g, 'Random'],
];

/** Runs a function at the end of the event loop's turn, which is neither a time nor a chance that a test would replay. */
const endOfTurn = 'src/transport/outbox.ts';

/** Time and chance come in only through the `system.ts` of a program, so that any journey can be replayed. */
function judgeTime(source: Source): Breach[] {
  if (source.path.endsWith('/system.ts') || source.path === endOfTurn) return [];
  return platformNames.flatMap(([pattern, instead]) =>
    findAll(source, pattern)
      .filter(({ text, at }) => !isMethodOfOurs(source.bare, at, text))
      .map(({ text, line }) =>
        breach('time-and-chance', source, line, `has ${text}; use ${instead} from core, given by system.ts`),
      ),
  );
}

/** `socket.setTimeout(…)` starts a timer of the platform's, as `setTimeout` does; `this.#randomBytes` is a name of ours. */
function isMethodOfOurs(bare: string, at: number, text: string): boolean {
  return (
    bare[at - 1] === '#' || (bare[at - 1] === '.' && text.startsWith('random') && !/crypto\.$/.test(bare.slice(0, at)))
  );
}

const messageReads = [
  /\.message\s*(?:===|!==)(?!\s*'')/g,
  /(?:===|!==)\s*\w+\.message\b/g,
  /\.message\??\.(?:includes|startsWith|endsWith|match|matchAll|indexOf|search|test)\b/g,
  /\.test\(\s*[\w.]*\.message\b/g,
  /switch\s*\(\s*[\w.]+\.message\s*\)/g,
];

/** A sentence may change with the next version of the platform; what it meant may not. */
function judgeMessage(source: Source): Breach[] {
  const message = 'decides by the text of a message; read a code, a type or a state instead';
  return messageReads.flatMap((pattern) =>
    findAll(source, pattern).map(({ line }) => breach('message-text', source, line, message)),
  );
}

function judgeErrorCode(source: Source, allowed: readonly string[]): Breach[] {
  if (allowed.includes(source.path)) return [];
  const message = 'reads error.code; only where errors of the world become ours (errorReaders in rooms.ts)';
  const found = findAll(source, /\b(?:error|err|reason|thrown)\??\.code\b|\bErrnoException\b/g);
  return [...new Set(found.map(({ line }) => line))].map((line) => breach('error-code', source, line, message));
}

/** The failure table refers to the number of the status, and units of other gateways are their own matter. */
const descriptorAdvisers =
  /^src\/core\/descriptor-need\.ts$|^src\/adapt\/systemd\.ts$|^packages\/(?:failures\/src\/failure-table\/gateway-limits\.ts$|explain\/src\/(?:apache|caddy|haproxy|nginx|traefik)\/)/;

/** Written once, so that no two sentences name different numbers. */
function judgeAdvice(source: Source): Breach[] {
  if (descriptorAdvisers.test(source.path)) return [];
  const message = 'says how a process gets more descriptors; use descriptorsAdvice of core/descriptor-need.ts';
  return [...source.code.matchAll(/LimitNOFILE/g)].map(({ index }) =>
    breach('descriptor-advice', source, lineAt(source.code, index), message),
  );
}

function findOrphans(sources: readonly Source[]): Breach[] {
  const wanted = new Set(entries);
  for (const source of sources) {
    if (isTest(source.path)) continue;
    // What one room keeps for the tests of several says so in its name.
    if (/\/sample-[^/]*$/.test(source.path)) wanted.add(source.path);
    for (const { from, to } of findImports(source)) if (from !== to) wanted.add(to);
  }
  return sources
    .filter(({ path }) => isOurs(path) && !isTest(path) && !path.endsWith('.d.ts') && !wanted.has(path))
    .map((source) => breach('orphan', source, 1, 'only tests import it: use it, or delete it'));
}

/** Functions and files that are longer than a reader likes. A report, not a rule. */
export function findLong(sources: readonly Source[], functionLinesMax: number, fileLinesMax: number): string[] {
  const long: string[] = [];
  for (const { path, bare } of sources) {
    const lines = bare.split('\n').length;
    if (lines > fileLinesMax) long.push(`${path} has ${lines} lines`);
    for (const { name, at, body } of findFunctions(bare)) {
      const length = body.split('\n').length;
      if (length > functionLinesMax) long.push(`${path}:${lineAt(bare, at)} ${name} has ${length} lines`);
    }
  }
  return long;
}

const functionHead =
  /\bfunction\*?\s+(\w+)|^[ ]{2}(?:(?:static|async|override|private|public|get|set)\s+)*(#?\w+)\s*(?:<[^>\n]*>)?\([^\n]*\{$/gm;

function* findFunctions(bare: string): Generator<{ name: string; at: number; body: string }> {
  for (const match of bare.matchAll(functionHead)) {
    const name = match[1] ?? match[2] ?? '';
    if (/^(?:if|for|while|switch|catch|return)$/.test(name)) continue;
    const open = /\{\s*$/m.exec(bare.slice(match.index));
    if (open === null) continue;
    const start = match.index + open.index;
    yield { name, at: match.index, body: bare.slice(match.index, closingBrace(bare, start)) };
  }
}

function closingBrace(bare: string, open: number): number {
  let depth = 0;
  for (let at = open; at < bare.length; at++) {
    if (bare[at] === '{') depth++;
    else if (bare[at] === '}' && --depth === 0) return at;
  }
  return bare.length;
}

function findAll(source: Source, pattern: RegExp): { text: string; at: number; line: number }[] {
  return [...source.bare.matchAll(pattern)].map((match) => ({
    text: match[0],
    at: match.index,
    line: lineAt(source.bare, match.index),
  }));
}

function breach(rule: RuleName, source: Source, line: number, message: string): Breach {
  return { rule, path: source.path, line, message };
}

/** The files of a feature belong to one plane each, by a word of their names: those are rooms too. */
export function roomOf(path: string): string {
  const room = path.split('/')[1] ?? '';
  if (room !== 'features') return room;
  const name = path.split('/').at(-1) ?? '';
  const found = /\b(keys|worker|main)\b/.exec(name)?.[0];
  return found === undefined ? room : `${room}/${found}`;
}

/** Tests, what several of them share (`.test-support.ts`), and the programs in `fixtures/` that they start. */
export function isTest(path: string): boolean {
  return /\.test(?:-support)?\.ts$/.test(path) || path.includes('/fixtures/');
}

function isBlank(bare: string, at: number): boolean {
  return bare[at] === ' ';
}

/** Of the gateway, or of a package in `packages/`. */
function isOurs(path: string): boolean {
  return path.startsWith('src/') || path.startsWith('packages/');
}

/** '#failures/shape.ts' is a file of a package, by `imports` of package.json. */
export function placeOf(from: string, written: string): string {
  if (written.startsWith('#')) return written.replace(/^#([^/]+)/, 'packages/$1/src');
  return written.startsWith('.') ? resolvePath(from, written) : written;
}

function resolvePath(from: string, to: string): string {
  const segments = from.split('/').slice(0, -1);
  for (const step of to.split('/')) {
    if (step === '..') segments.pop();
    else if (step !== '.') segments.push(step);
  }
  return segments.join('/');
}
