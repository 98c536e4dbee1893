import { release } from 'node:os';
import type { Score } from '../src/testing/torture/score.ts';
import type { TortureReport } from '../src/testing/torture/torture.ts';
import type { TortureRun } from '../src/testing/torture/torture-run.ts';
import { tortureParts, type TortureVerdict } from '../src/testing/torture/torture-case.ts';
import { comparisonNotes } from './comparison-notes.ts';

/** The section of one gateway. */
export interface Compared {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly report: TortureReport;
}

const worst: readonly TortureVerdict[] = ['right', 'acceptable', 'misleading', 'dangerous'];
const marks: Readonly<Record<TortureVerdict, string>> = {
  right: '✔',
  acceptable: '~',
  misleading: '✖',
  dangerous: '‼',
};

/** Creates docs/comparison.md from the results; Candor is the first. Sections of other commands are kept. */
export function comparisonDocument(compared: readonly Compared[], before: string): string {
  const [candor, ...peers] = compared;
  return [
    ...introduction(compared),
    ...totals(compared),
    ...sectionOf(before, 'poisoning'),
    ...sectionOf(before, 'storms'),
    ...sectionOf(before, 'deploys'),
    ...sectionOf(before, 'functions'),
    ...sectionOf(before, 'configurations'),
    ...(candor === undefined ? [] : betterElsewhere(candor, peers)),
    ...candorAtItsDefaults,
    ...compared.flatMap(portrait),
    ...matrix,
    ...races,
  ].join('\n');
}

/** The text of docs/comparison.tsv: a row for each case, with what each gateway made of it. */
export function comparisonMatrix(compared: readonly Compared[]): string {
  const head = ['stage', 'case', 'the origin', ...compared.map(({ title }) => title)];
  return rowsText([head, ...matrixRows(compared, '')]);
}

/** Adds rows for cases that were run later. The totals do not change. */
export function withNewRows(matrix: string, compared: readonly Compared[]): string {
  return matrix + rowsText(matrixRows(compared, ' †'));
}

/** Whether the matrix has a row for the case. */
export function hasCase(matrix: string, id: string): boolean {
  return matrix.split('\n').some((row) => row.split('\t')[1]?.replace(' †', '') === id);
}

/** Sections of other commands and of test/functions/: each between two comments with its name. */
type ForeignSection = 'poisoning' | 'storms' | 'deploys' | 'functions' | 'configurations';

function sectionOf(document: string, name: ForeignSection): string[] {
  const [start, end] = [document.indexOf(`<!-- ${name} -->`), document.indexOf(`<!-- /${name} -->`)];
  return start < 0 || end < 0 ? [] : [document.slice(start, end + `<!-- /${name} -->`.length), ''];
}

/** Replaces the section with the last measurement. */
export function withSection(document: string, name: ForeignSection, lines: readonly string[]): string {
  const text = [`<!-- ${name} -->`, ...lines, `<!-- /${name} -->`].join('\n');
  const [before] = sectionOf(document, name);
  if (before !== undefined) return document.replace(before, () => text);
  return document.replace(behindTotals, () => `${text}\n\n${behindTotals}`);
}

const behindTotals = '## Where others do better than Candor';

function introduction(compared: readonly Compared[]): string[] {
  const dates = [...new Set(compared.map(({ report }) => report.at.slice(0, 10)))].toSorted();
  return [
    '# What gateways tell their clients when an origin fails',
    '',
    `Found on ${dates.join(' and ')} (Linux ${release().split('-')[0]}, loopback) and written by \`npm run compare\`, which fetches the gateways of`,
    'Debian 12 without installing them. [The torture suite](torture.md) says what is tried, what the verdicts mean, how each gateway is',
    'configured, and how to try your own.',
    '',
    '## How to read it',
    '',
    'The configurations are the same for all gateways, as far as each can: HTTP/1.1 and kept connections to the origin, upgrades passed on,',
    'certificates verified, 1 s to connect, 2 s for an answer and between bytes, and no health checks. Candor checks by default (`check: tcp`);',
    'here it has `check: none`, [which is in its favour](#candor-at-its-defaults). Apache has `retry=0`: by default it answers 503 for a minute',
    'after a connection failed. Each exchange was tried once, and some outcomes [are races](#what-is-a-race).',
    '',
    'The suite is of our own making, and Candor is tested against it with every change: that Candor does well shows that it keeps its own',
    'promises, and no more. The other gateways have the versions of the distribution, and much of what is marked here is meant as it is.',
    'The verdicts look at one thing alone: what can a client know? They say nothing about speed, features, HTTP/2 or operation under load.',
    '',
  ];
}

function totals(compared: readonly Compared[]): string[] {
  const row = (title: string, cell: (score: Score) => string | number): string =>
    `| ${title} | ${compared.map(({ report }) => cell(report.score)).join(' | ')} |`;
  return [
    '## Totals',
    '',
    `| exchanges | ${compared.map(({ title, version }) => `${title} ${version}`).join(' | ')} |`,
    `|---|${compared.map(() => '---:|').join('')}`,
    row('**points of 100**', ({ points }) => `**${points}**`),
    row('✔ right', ({ right }) => right),
    row('~ acceptable', ({ acceptable }) => acceptable),
    row('✖ misleading', ({ misleading }) => misleading),
    row('‼ dangerous', ({ dangerous }) => dangerous),
    row('failures told with the right status', (score) => `${score.failures_told} of ${score.failures}`),
    row('broken content seen to be broken', (score) => `${score.truncations_told} of ${score.truncations}`),
    row('clients left waiting', ({ hangs }) => hangs),
    row('POSTs that the origin saw twice', (score) => score.unsafe_replays),
    row('cause named in `Proxy-Status`: right', (score) => `${score.causes_named} of ${score.causes}`),
    row('cause named in `Proxy-Status`: wrong', (score) => `${score.causes_misnamed} of ${score.causes}`),
    row('not set up', (score) => score.not_set_up),
    '',
    '*Right status*: of the failures before any content that only a status can tell; an acceptable one does not count here.',
    '*Seen to be broken*: content that broke off, stalled or could not be read, and that no client can take for whole.',
    '*Waiting*: still without an end after 10 s; each has one of the verdicts above, too. *Cause named*: of the failures that',
    'the gateway answered itself. Of these five only Candor sends the field (RFC 9209), and no verdict depends on it: a status',
    'is worth the same with a right cause, a wrong one and none. `destination_unavailable` names no cause, and counts as neither.',
    '',
  ];
}

/** The responses of Candor that a reader who considers it should know. */
function betterElsewhere(candor: Compared, peers: readonly Compared[]): string[] {
  const lines = peers.flatMap((peer) => {
    const pairs = candor.report.runs.flatMap((own) => {
      const theirs = peer.report.runs.find(
        (run) => run.case === own.case && run.method === own.method && run.on === own.on,
      );
      return theirs === undefined ? [] : [{ own, theirs }];
    });
    return [
      ...listed(
        `${peer.title} gets a better verdict`,
        pairs.filter(({ own, theirs }) => isBetter(theirs, own)),
      ),
      ...listed(
        `${peer.title} passes the answer on in good form, where Candor refuses it (the RFCs allow both)`,
        pairs.filter(({ own, theirs }) => isPassed(theirs) && !isPassed(own)),
      ),
      ...listed(
        `${peer.title} answers as rightly, and more than half a second sooner`,
        pairs.filter(({ own, theirs }) => isSooner(theirs, own)),
      ),
    ];
  });
  return [
    '## Where others do better than Candor',
    '',
    ...(lines.length === 0 ? ['In nothing that this suite looks at.'] : lines),
    '',
    'Candor refuses whatever two readers may read differently, and what exceeds its limits; the record says which bytes. An',
    'application that has always answered so works behind a gateway that repairs it, and not behind Candor until it is mended.',
    '',
  ];
}

/** Differences between the runs of one day. Check them again after each run. */
const races: readonly string[] = [
  '## What is a race',
  '',
  'Of two runs on 2026-11-21 the tables have the second. These exchanges, of some 310 with each gateway, had other verdicts in the first:',
  '',
  '- HAProxy, *reset-at-accept* by POST: 502, then closed without an answer; *tls-client-certificate*: 503, then 502; *length-overflow*:',
  '  waiting, then visibly cut (its `timeout client` of 10 s is just the time limit).',
  '- Caddy, *tls-server-hello* after a good exchange: mostly 504, and 502 in the second; *head-with-content*: right in four tries, while in the',
  '  second run the next request got an answer that was not its own. Without it Caddy would have 74 points.',
  '',
];

/** Tried by hand, since the suite runs once for each gateway: the parts that a health check sees, without `check: none`. */
const candorAtItsDefaults: readonly string[] = [
  '## Candor at its defaults',
  '',
  'Without `check: none` (tried on 2026-11-21, in the parts where a check of the connection can fail), Candor asks no origin whose check has',
  'failed. It answered 503 `no_endpoint_ready` in 14 exchanges that are right above: *refused*,',
  '*unanswered* once the check had failed, *reset-at-accept*, *tls-plain-http*, *tls-silent*, *tls-reset*, *tls-alert-40*,',
  '*tls-only-1.1* and the four *certificate-…*. Each is acceptable; what the check found is in the record, and not in the answer.',
  '',
];

interface Pair {
  readonly own: TortureRun;
  readonly theirs: TortureRun;
}

function listed(text: string, pairs: readonly Pair[]): string[] {
  return pairs.length === 0 ? [] : [`- ${text}: *${casesOf(pairs.map(({ theirs }) => theirs))}*`];
}

function isBetter(one: TortureRun, other: TortureRun): boolean {
  if (one.verdict === null || other.verdict === null) return false;
  return worst.indexOf(one.verdict) < worst.indexOf(other.verdict);
}

function isPassed({ verdict, seen }: TortureRun): boolean {
  return verdict === 'right' && seen?.by === 'origin' && seen.completeness === 'complete';
}

function isSooner(one: TortureRun, other: TortureRun): boolean {
  if (one.verdict !== other.verdict || one.seen === null || other.seen === null) return false;
  return one.seen.ms + soonerMs < other.seen.ms;
}

/** Smaller differences are within those of the timeouts of two gateways. */
const soonerMs = 500;

const matrix: readonly string[] = [
  '## The matrix',
  '',
  '[comparison.tsv](comparison.tsv) has the worst of what came for each case, over methods and connections, and how often that was.',
  '✔ right, ~ acceptable, ✖ misleading, ‼ dangerous; then the status, and how it ended where it was not a whole message. Cases with †',
  'were tried after the others, and are not in the totals.',
  '',
];

const rowsText = (rows: readonly (readonly string[])[]): string =>
  rows.map((cells) => `${cells.join('\t')}\n`).join('');

function matrixRows(compared: readonly Compared[], mark: string): string[][] {
  const runs = compared.flatMap(({ report }) => report.runs);
  return Object.entries(tortureParts).flatMap(([part, title]) => {
    const cases = new Map(runs.filter((run) => run.part === part).map((run) => [run.case, run.does]));
    return [...cases].map(([name, does]) => {
      const cells = compared.map(({ report }) => cellOf(report.runs.filter((run) => run.case === name)));
      return [title, `${name}${mark}`, does, ...cells];
    });
  });
}

function cellOf(runs: readonly TortureRun[]): string {
  const judged = runs.filter((run) => run.verdict !== null);
  const verdict = worst.findLast((one) => judged.some((run) => run.verdict === one));
  if (verdict === undefined) return 'not set up';
  const these = judged.filter((run) => run.verdict === verdict);
  const seen = these[0]?.seen;
  const end = seen?.completeness === 'complete' ? '' : (seen?.completeness.replace('not_http', 'no HTTP') ?? '');
  const share = these.length === judged.length ? '' : `(${these.length} of ${judged.length})`;
  return [marks[verdict], seen?.status ?? '', end, share].filter((part) => part !== '').join(' ');
}

/** The section of one gateway: notes, and every dangerous response, grouped by reason. The matrix has the misleading ones. */
function portrait({ name, title, version, report }: Compared): string[] {
  const byReason = Map.groupBy(
    report.runs.filter(({ verdict }) => verdict === 'dangerous'),
    ({ why }) => why,
  );
  const lines = [...byReason.entries()]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([why, runs]) => `- ${marks.dangerous} ${why} *${casesOf(runs)}*`);
  return [
    `## ${title} ${version}`,
    '',
    ...(comparisonNotes[name] ?? []).map((note) => `- ${note}`),
    ...lines,
    ...(lines.length === 0 ? ['- Nothing harmed anybody.'] : []),
    '',
  ];
}

/** Names of cases, with the method unless it is GET. */
function casesOf(runs: readonly TortureRun[]): string {
  return [...new Set(runs.map((run) => `${run.case}${run.method === 'GET' ? '' : ` (${run.method})`}`))].join(', ');
}
