import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import { clientsTable } from './clients-table.ts';
import { configurations, kinds } from './kinds.ts';
import type { ClientRow } from './measure-clients.ts';
import { profiles, troubleMs, troubleStartMs, workMs } from './profiles.ts';
import { amplificationPlot, secondsPlot } from './clients-plots.ts';

const folder = join(repositoryRoot, 'docs', 'client');

/** Writes the page, the figures and the plots. */
export function writeComparison(all: readonly ClientRow[], clients: number): void {
  const place = ({ kind }: ClientRow): number => kinds.findIndex(({ name }) => name === kind);
  const sorted = all.toSorted((a, b) => place(a) - place(b));
  const rows = sorted.filter((row) => row.clients === clients);
  const most = Math.max(...all.map((row) => row.clients));
  const more = sorted.filter((row) => row.clients > clients && row.clients === most);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'comparison.md'), pageOf(rows, more));
  const readme = join(repositoryRoot, 'packages', 'client', 'README.md');
  const section = /(<!-- npm run bench:clients -- --write -->\n)[^]*?(<!-- end -->)/;
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8').replace(section, (_, start, end) => `${start}\n${summaryTable(rows)}\n${end}`),
  );
  writeFileSync(join(folder, 'comparison.tsv'), figuresOf([...rows, ...more]));
  writeFileSync(join(folder, 'requests.svg'), amplificationPlot(rows));
  writeFileSync(join(folder, 'seconds.svg'), secondsPlot(rows));
}

function figuresOf(rows: readonly ClientRow[]): string {
  const lines = rows.map(({ perSecond, ...row }) => [...Object.values(row), perSecond.join(' ')].join('\t'));
  const [{ perSecond: _, ...first } = {} as ClientRow] = rows;
  return `${[[...Object.keys(first), 'requests in each second'].join('\t'), ...lines].join('\n')}\n`;
}

function pageOf(rows: readonly ClientRow[], more: readonly ClientRow[]): string {
  const shown = profiles.filter(({ name }) => rows.some(({ profile }) => profile === name));
  const sections = shown.map(
    ({ name, does }) =>
      `## ${name}\n\nThe origin ${does}.\n\n${clientsTable(rows.filter(({ profile }) => profile === name))}`,
  );
  const clients = rows[0]?.clients ?? 0;
  const perClient = Math.round((rows[0]?.calls ?? 0) / clients);
  return `# HTTP clients while a service fails

<!-- Written by \`npm run bench:clients -- --write\`. -->

${clients} clients of each kind make ${perClient} calls each, one in three of them a POST, to a service that works ${workMs} ms at each. After
${troubleStartMs / 1000} s it is in trouble for ${troubleMs / 1000} s. Each client has connections, breakers and budgets of its own. The libraries are real, down to
the parsers of their HTTP; the origin is the fault origin of \`candor/testing\`. Time and network are simulated, so that the figures are the same on
every machine, and say nothing about how fast a library is.

**Half of the clients ask an origin that honours idempotency keys, half one that ignores them.** A client that retries each POST with a key
doubles orders at the second one. candor-client is told which origins honour keys (row "configured"), and assumes that none does
(row "documented").

How to read the columns:

- *requests / calls*: requests that the service received, for each call; 1.00 is needed. *refused / calls*: connections that were refused, which
  cost the service nothing.
- *POSTs executed twice* or more often: orders that were placed twice.
- *p50, p99*: how long calls took that began in the trouble, whether they succeeded or failed. A client that gives up at once is fast.
- *recovery*: of the client that took longest, from when the service was back for it until its last call ended that failed or had begun in the
  trouble. The service is back for a client when the trouble has ended, the last wait that it asked the client for is over, and it holds no
  request of the trouble any more: it has answered them, or the client has given them up. *never*: some call had not ended 104 s later.
- *peak*: the highest rate of requests in a tenth of a second after the trouble, in multiples of the usual rate.

No client is the best in each column, and none can be:

- **Early or evenly.** In an outage of ten seconds each client collects five calls. All of them within two seconds are six times the usual rate at
  least; within eight seconds they are two times. candor-client chooses two seconds; its row with \`openMs: 5000\` chooses five.
- **Answers or requests.** A client that sends each call up to four times in an outage answers nearly all of them, with 1.8 requests for each.
  candor-client keeps to 1.2, and loses the calls whose retry that would take, most of all where timeouts are shorter than the answers.
- **POSTs answered or never doubled.** A 503 or a reset does not prove that a POST was not executed. candor-client gives it up where no key is honoured;
  clients that send it again answer more calls, and some of them twice.
- **Soon or spread.** A client that fails or retries at once has short times. Where all clients do so, the retries of all meet the same moment.

What a client should never do is in the column of POSTs.

## All together

${summaryTable(rows)}
![Requests for each call](requests.svg)

![Requests in each second](seconds.svg)

${sections.join('\n')}
${moreOf(more)}## Configurations

"documented" is what the documentation of the library shows first; "configured" is what people add: more retries, POST too and with an
Idempotency-Key, timeouts of 2 s. The code is in \`bench/clients/kinds.ts\`.

| client | documented | from | configured |
|---|---|---|---|
${kinds.map(({ name, documented, source, configured }) => `| ${name} | ${documented} | ${source} | ${configured ?? '—'} |`).join('\n')}
`;
}

function moreOf(rows: readonly ClientRow[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const tables = profiles
    .map(({ name }) => ({ name, of: rows.filter(({ profile }) => profile === name) }))
    .filter(({ of }) => of.length > 0)
    .map(({ name, of }) => `${name}:\n\n${clientsTable(of)}`);
  return `## With ${first.clients} clients

More clients make a finer peak, which is measured in tenths of a second, and a later recovery, which is that of the slowest client.

${tables.join('\n')}
`;
}

/** A row for each client and configuration, over all profiles. */
function summaryTable(rows: readonly ClientRow[]): string {
  const lines = kinds.flatMap(({ name }) =>
    configurations.flatMap((configuration) => {
      const own = rows.filter((row) => row.kind === name && row.configuration === configuration);
      if (own.length === 0) return [];
      const sum = (of: (row: ClientRow) => number): number => own.reduce((total, row) => total + of(row), 0);
      const calls = sum((row) => row.calls);
      const most = Math.max(...own.map((row) => row.requests / row.calls));
      const [share, usual] = [(100 * sum((row) => row.succeeded)) / calls, sum((row) => row.requests) / calls];
      return [
        `| ${name} | ${configuration} | ${share.toFixed(1)} % | ${usual.toFixed(2)} | ${most.toFixed(2)} | ${sum((row) => row.doubled)} |`,
      ];
    }),
  );
  return `| client | configuration | calls that succeed | requests / calls | at the worst | POSTs executed twice |
|---|---|---:|---:|---:|---:|
${lines.join('\n')}
`;
}
