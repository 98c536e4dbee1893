import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import { type ConfigurationCase, linesOf } from './configurations/cases.ts';
import { sourceAddress } from './sources.ts';

// functions.tsv: what gateways can do. Candor's `yes` needs a document and a test; a cell of another gateway is its mark
// and what in its documents shows that (sources.ts).

export const peerNames = ['nginx', 'HAProxy', 'Caddy', 'Traefik', 'Envoy', 'kamal-proxy'] as const;
export type FunctionPeer = (typeof peerNames)[number];

const marks = ['yes', 'partly', 'no'] as const;
type Mark = (typeof marks)[number];

interface Cell {
  readonly mark: Mark;
  /** Empty: for a `no`, the index of the documents; `?`: no page was found. */
  readonly source: string;
}

export interface GatewayFunction {
  readonly id: number;
  readonly group: string;
  readonly name: string;
  readonly candor: Mark;
  /** What there is where `candor` is `partly`. */
  readonly part: string;
  /** Page and heading below docs/. */
  readonly documented: string;
  /** `file › title`. */
  readonly test: string;
  readonly peers: Readonly<Record<FunctionPeer, Cell>>;
}

export function readFunctions(): readonly GatewayFunction[] {
  const [head, ...lines] = readFileSync(join(import.meta.dirname, 'functions.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  if (head !== ['id', 'group', 'function', 'Candor', 'documented', 'test', ...peerNames].join('\t'))
    throw new Error(`The first line of functions.tsv is ${head}`);
  return lines.map((line) => {
    const [id = '', group = '', name = '', candor = '', documented = '', test = '', ...cells] = line.split('\t');
    const peers = peerNames.map((peer, index) => [peer, cellOf(cells[index] ?? '', line)] as const);
    const { mark, source: part } = cellOf(candor, line);
    return { id: Number(id), group, name, candor: mark, part, documented, test, peers: recordOf(peers) };
  });
}

function cellOf(text: string, line: string): Cell {
  const [, word = '', source = ''] = /^(\w*) ?(.*)$/.exec(text) ?? [];
  const mark = marks.find((known) => known === word);
  if (mark === undefined) throw new Error(`"${text}" is none of ${marks.join(', ')} in ${line}`);
  return { mark, source };
}

function recordOf(pairs: readonly (readonly [FunctionPeer, Cell])[]): Record<FunctionPeer, Cell> {
  return Object.fromEntries(pairs) as Record<FunctionPeer, Cell>;
}

/** The section of docs/comparison.md. */
export function functionsSection(functions: readonly GatewayFunction[]): string[] {
  const groups = [...new Set(functions.map(({ group }) => group))];
  return [
    '## What each can do',
    '',
    `${functions.length} functions of gateways. Each *yes* of Candor leads to its documents, and \`test/functions/functions.tsv\` names a test that shows it.`,
    'Each *yes* and *partly* of another gateway leads to the page of its documents that shows it; the title of the link is what to look for',
    'there, such as a directive. The marks of the others are from these documents, looked up in November 2026, and not from trials. They',
    'count nginx with the modules of its project, and all without plugins of others and without what is sold. *partly*: by a workaround, by a separate',
    `module, or with a part missing. A dash: ${indexes()} have nothing of it. For ${notFound(functions)} marks (\\*) no page`,
    'was found; they are from memory.',
    '',
    ...totals(functions),
    ...groups.flatMap((group) => groupTable(functions.filter((one) => one.group === group))),
    ...partsOf(functions),
  ];
}

function indexes(): string {
  const links = peerNames.map((peer) => `[${peer}](${sourceAddress(peer, '').address})`);
  return `the documents of ${links.slice(0, -1).join(', ')} and ${links.at(-1)}`;
}

function notFound(functions: readonly GatewayFunction[]): number {
  return functions.flatMap(({ peers }) => Object.values(peers)).filter(({ source }) => source === '?').length;
}

function totals(functions: readonly GatewayFunction[]): string[] {
  const row = (name: string, cells: readonly Mark[]): string =>
    `| ${name} | ${marks.map((mark) => cells.filter((cell) => cell === mark).length).join(' | ')} |`;
  return [
    '| | yes | partly | no |',
    '|---|---:|---:|---:|',
    row(
      'Candor',
      functions.map(({ candor }) => candor),
    ),
    ...peerNames.map((peer) =>
      row(
        peer,
        functions.map(({ peers }) => peers[peer].mark),
      ),
    ),
    '',
  ];
}

function groupTable(functions: readonly GatewayFunction[]): string[] {
  return [
    `### ${functions[0]?.group}`,
    '',
    `| | function | Candor | ${peerNames.join(' | ')} |`,
    `|---:|---|---|${peerNames.map(() => '---|').join('')}`,
    ...functions.map(
      (one) =>
        `| ${one.id} | ${one.name} | ${ownCell(one)} | ${peerNames.map((peer) => peerCell(peer, one.peers[peer])).join(' | ')} |`,
    ),
    '',
  ];
}

function ownCell({ candor, documented }: GatewayFunction): string {
  if (candor === 'no') return '–';
  return documented === '' ? candor : `[${candor}](${documented})`;
}

function peerCell(peer: FunctionPeer, { mark, source }: Cell): string {
  if (source === '?') return `${mark}\\*`;
  if (source === '') return '–';
  const { address, title } = sourceAddress(peer, source);
  return `[${mark === 'no' ? '–' : mark}](${address} "${title}")`;
}

function partsOf(functions: readonly GatewayFunction[]): string[] {
  const parts = functions.filter(({ candor }) => candor === 'partly');
  return ['What *partly* is of Candor:', '', ...parts.map(({ name, part }) => `- ${name}: ${part}`)];
}

/** Where the repository is not as the table says; nothing if it is. */
export function mistakesOf({ name, candor, part, documented, test, peers }: GatewayFunction): string[] {
  const mistakes: string[] = [];
  if (candor === 'yes' && documented === '') mistakes.push(`${name}: a yes of Candor has no document`);
  if (candor === 'partly' && part === '') mistakes.push(`${name}: nothing says which part there is`);
  if (candor === 'yes' && !hasTest(test)) mistakes.push(`${name}: there is no test "${test}"`);
  for (const [peer, { mark, source }] of Object.entries(peers))
    if (mark !== 'no' && source === '') mistakes.push(`${name}: the ${mark} of ${peer} has no source`);
  return mistakes;
}

/** Whether the file has a test or a group of tests of that title. */
function hasTest(test: string): boolean {
  const [file = '', title = ''] = test.split(' › ');
  if (!file.endsWith('.test.ts') || title === '') return false;
  try {
    const text = readFileSync(join(repositoryRoot, file), 'utf8').replaceAll("\\'", "'");
    return ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}`));
  } catch {
    return false;
  }
}

/** The section of docs/comparison.md about the configurations in test/functions/configurations/. */
export function configurationsSection(cases: readonly ConfigurationCase[]): string[] {
  const written = cases.filter(({ candor }) => candor !== null);
  return [
    '## How long configurations are',
    '',
    'Configurations as the documents of nginx and Caddy show them, and what Candor needs for the same. `npm run compare:configurations` starts',
    'both gateways and compares their answers to the same requests; a test does so, too. The table counts lines that are neither empty nor a',
    'comment. The files are in `test/functions/configurations/`; a run puts its own addresses and folders in the place of theirs.',
    '',
    '| what | documents | lines | Candor |',
    '|---|---|---:|---:|',
    ...written.map(({ what, from, peer, text, candor }) => {
      const title = peer === 'nginx' ? 'nginx' : 'Caddy';
      return `| ${what} | [${title}](${from}) | ${linesOf(text)} | ${linesOf(candor ?? '')} |`;
    }),
  ];
}
