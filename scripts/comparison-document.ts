import { release } from 'node:os';
import type { TortureReport, TortureRun } from '../src/testing/torture/torture.ts';
import type { Verdict } from '../src/testing/torture/torture-case.ts';

/** One gateway's part of the comparison. */
export interface Compared {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly language: string;
  readonly configuration: string;
  readonly report: TortureReport;
}

/** What a reader must know to be fair: what is meant so, what its makers say, what newer versions do. */
const notes: Readonly<Record<string, readonly string[]>> = {
  candor: [
    'This suite is of our own making, and Candor is tested against it with every change: a full score says that it keeps its own promises, no more.',
    'It was run with the same timeouts and without health checks, as the others.',
  ],
  nginx: [
    'What does not begin with a status line is taken for HTTP/0.9 and passed on as it is; the makers have decided to keep that (nginx/nginx#1501).',
    'Newer versions refuse two lengths, and a length beside chunks, with 502, and forward 103 (read in the source of 1.31).',
    'It does not start with a name that cannot be resolved, so that part was not tried.',
  ],
  haproxy: [
    'Closing a used connection without an answer when the origin closed its own is deliberate: a client may repeat the request (RFC 9112 §9.3.1), and the makers count on it (haproxy/haproxy#1109).',
    'Whatever goes wrong with connecting is a 503. By default it tries three more times, a second apart, before it says that a port is closed.',
    'Version 2.6 is of 2022. What newer versions do about control octets and odd status codes was not looked at.',
  ],
  caddy: [
    'It has no timeout for a response head and none between octets unless they are configured, as they are here.',
    'A connect timeout is answered 502; a maintainer calls 504 the right status (caddyserver/caddy#4887).',
    'Version 2.6 is of 2022 and completes a chunked answer that broke off; newer ones abort it (caddyserver/caddy#5951).',
  ],
  apache2: [
    'What does not begin with a status line is taken for HTTP/0.9, and given a 200.',
    'On a used connection it closes without an answer when the origin closed its own, so that the client may repeat the request.',
  ],
};

const worst: readonly Verdict[] = ['right', 'acceptable', 'misleading', 'dangerous'];
const marks: Readonly<Record<Verdict, string>> = { right: '✔', acceptable: '~', misleading: '✖', dangerous: '‼' };

/** docs/comparison.md, from what was found. */
export function comparisonDocument(compared: readonly Compared[]): string {
  return [
    ...introduction(compared),
    ...scores(compared),
    ...matrix(compared),
    ...compared.flatMap(portrait),
    ...appendix(compared),
  ].join('\n');
}

function introduction([first]: readonly Compared[]): string[] {
  const date = first?.report.at.slice(0, 10) ?? '';
  return [
    '# What gateways tell their clients when an origin fails',
    '',
    `Written by \`npm run compare\` on ${date} (Linux ${release().split('-')[0]}, loopback); do not edit it by hand.`,
    '[Putting a gateway to the torture](torture.md) says what is tried, what the verdicts mean and how to try it yourself.',
    '',
    'The gateways are those of Debian 12, as they come, each with the short configuration that stands at the end: 1 s to',
    'connect, 2 s for an answer and between octets, kept connections, no health checks. Distributions carry versions of',
    'some age; where we know that a newer one answers otherwise, it is said. Much of what is marked here is meant as it',
    'is, often for good reasons and for decades; the verdicts look at one thing alone: what can a client know?',
    '',
  ];
}

function scores(compared: readonly Compared[]): string[] {
  const rows = compared.map(({ title, version, report: { score } }) => {
    const cause = `${score.causes_named} of ${score.causes}`;
    return `| ${title} ${version} | **${score.points}** | ${score.right} | ${score.acceptable} | ${score.misleading} | ${score.dangerous} | ${score.hangs} | ${cause} | ${score.not_set_up} |`;
  });
  return [
    '## Scores',
    '',
    '| gateway | of 100 | right | acceptable | misleading | dangerous | still waiting | cause named | not set up |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    'Numbers of exchanges. *Still waiting* are among the misleading. *Cause named*: failures that the gateway answered',
    'itself, and for which `Proxy-Status` (RFC 9209) says why; no verdict depends on it.',
    '',
  ];
}

function matrix(compared: readonly Compared[]): string[] {
  const names = [...new Set(compared.flatMap(({ report }) => report.runs.map((run) => run.case)))];
  const rows = names.map((name) => {
    const cells = compared.map(({ report }) => cellOf(report.runs.filter((run) => run.case === name)));
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return [
    '## The matrix',
    '',
    'The worst of what came for each case, over methods and connections, and how often that was. ✔ right, ~ acceptable,',
    '✖ misleading, ‼ dangerous; then the status, and how it ended where it was not a whole message.',
    '',
    `| the origin: case | ${compared.map(({ title }) => title).join(' | ')} |`,
    `|---|${compared.map(() => '---|').join('')}`,
    ...rows,
    '',
  ];
}

function cellOf(runs: readonly TortureRun[]): string {
  const judged = runs.filter((run) => run.verdict !== null);
  const verdict = worst.findLast((one) => judged.some((run) => run.verdict === one));
  if (verdict === undefined) return 'not set up';
  const these = judged.filter((run) => run.verdict === verdict);
  const seen = these[0]?.seen;
  const end = seen?.completeness === 'complete' ? '' : ` ${seen?.completeness.replace('not_http', 'no HTTP')}`;
  const share = these.length === judged.length ? '' : ` (${these.length} of ${judged.length})`;
  return `${marks[verdict]} ${seen?.status ?? ''}${end}`.replace(/ {2,}/g, ' ') + share;
}

/** What is to be said of one gateway: notes, and everything that is not right, by reason. */
function portrait({ name, title, version, report }: Compared): string[] {
  const faulty = report.runs.filter(({ verdict }) => verdict === 'dangerous' || verdict === 'misleading');
  const byReason = Map.groupBy(faulty, ({ verdict, why }) => `${verdict}\n${why}`);
  const lines = [...byReason.entries()]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([reason, runs]) => {
      const [verdict = '', why = ''] = reason.split('\n');
      const cases = [...new Set(runs.map((run) => `${run.case}${run.method === 'GET' ? '' : ` (${run.method})`}`))];
      return `- ${marks[verdict as Verdict]} ${why} *${cases.join(', ')}*`;
    });
  return [
    `## ${title} ${version}`,
    '',
    ...(notes[name] ?? []).map((note) => `- ${note}`),
    '',
    ...(lines.length === 0
      ? ['Nothing misled, and nothing harmed anybody.']
      : ['What misled or harmed:', '', ...lines]),
    '',
  ];
}

function appendix(compared: readonly Compared[]): string[] {
  const shown = compared.flatMap(({ title, language, configuration }) => [
    `### ${title}`,
    '',
    `\`\`\`${language}`,
    configuration.trimEnd(),
    '```',
    '',
  ]);
  return ['## Configurations', '', ...shown];
}
