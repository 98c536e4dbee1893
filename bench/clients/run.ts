import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../scripts/repository.ts';
import { namedLike, optionsOr, wholeNumber } from '../options.ts';
import { realMs, simulateTime } from './simulated-time.ts';

// Before any library is imported: some keep the timers that they find.
simulateTime();
const { configurations, kinds } = await import('./kinds.ts');
const { measureClients } = await import('./measure-clients.ts');
const { profiles } = await import('./profiles.ts');
const { clientsTable } = await import('./clients-table.ts');
const { writeComparison } = await import('./clients-document.ts');
type ClientRow = import('./measure-clients.ts').ClientRow;

const resultsFile = join(cacheFolder, 'bench', 'clients.json');

const usage = `usage: npm run bench:clients -- [options]

HTTP clients that retry, while the one service behind them fails in six ways:
how many calls succeed, what the service gets, and what happens when it is
back. The libraries are real, with their own connections; time and network
are simulated, so that figures do not depend on the machine.

  --only <texts>     profiles whose name contains one of these, with commas and
                     without blanks between them (all):
                     ${profiles
                       .map(({ name }) => name)
                       .join('; ')
                       .replace(/(.{40,57}; )/g, '$1\n                     ')}
  --kinds <texts>    clients whose name contains one of these (all)
  --clients <n>      of each kind (1000)
  --every <n>        milliseconds between two calls of a client (2000)
  --seed <text>      of calls, faults and what libraries do at random (clients)
  --resume           leave out the rows that the file of results has
  --json             print the rows as JSON
  --write            write docs/client/comparison.md, its figures and plots,
                     with the rows of the file of results that have as many
                     clients, and below them those that have the most
  --results <file>   where each row is saved (.cache/bench/clients.json)
  --help

Exits with 2 for a usage error.

example: npm run bench:clients -- --only 'outage, 503,429' --kinds candor,got
`;

const asked = optionsOr(
  usage,
  {
    only: { type: 'string', default: '' },
    kinds: { type: 'string', default: '' },
    clients: { type: 'string', default: '1000' },
    every: { type: 'string', default: '2000' },
    seed: { type: 'string', default: 'clients' },
    resume: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    results: { type: 'string', default: resultsFile },
  },
  (values) => ({
    ...values,
    profiles: namedLike(values.only, profiles, 'profile'),
    kinds: namedLike(values.kinds, kinds, 'client'),
    size: {
      clients: wholeNumber(values.clients, '--clients'),
      everyMs: wholeNumber(values.every, '--every'),
      seed: values.seed,
    },
  }),
);

const isSame = (a: ClientRow, b: Pick<ClientRow, 'profile' | 'kind' | 'configuration' | 'clients'>): boolean =>
  a.profile === b.profile && a.kind === b.kind && a.configuration === b.configuration && a.clients === b.clients;

let rows = readRows();
// Simulated timers do not keep a process alive, and a turn of the event loop has nothing else to wait for.
const alive = new MessageChannel().port1.on('message', () => {});
for (const profile of asked.profiles) {
  const measured: ClientRow[] = [];
  for (const kind of asked.kinds)
    for (const configuration of configurations) {
      if (configuration === 'configured' && kind.configured === null) continue;
      const { clients } = asked.size;
      const wanted = { profile: profile.name, kind: kind.name, configuration, clients };
      const known = rows.find((row) => isSame(row, wanted));
      if (asked.resume && known !== undefined) {
        measured.push(known);
        continue;
      }
      const start = realMs();
      const row = await measureClients(profile, kind, configuration, asked.size);
      console.error(`${profile.name}: ${kind.name}, ${configuration} (${((realMs() - start) / 1000).toFixed(1)} s)`);
      measured.push(row);
      rows = [...rows.filter((other) => !isSame(other, row)), row];
      mkdirSync(dirname(asked.results), { recursive: true });
      writeFileSync(asked.results, JSON.stringify(rows));
    }
  console.log(asked.json ? JSON.stringify(measured) : `\n${profile.name}\n\n${clientsTable(measured)}`);
}
alive.close();
if (asked.write) writeComparison(rows, asked.size.clients);
process.exit(0);

function readRows(): readonly ClientRow[] {
  try {
    return JSON.parse(readFileSync(asked.results, 'utf8')) as ClientRow[];
  } catch {
    return [];
  }
}
