import { optionsOr, wholeNumber } from './options.ts';
import { measureStalls } from './stall-measure.ts';
import { stallTable } from './stall-report.ts';

const usage = `usage: npm run bench:stalls -- [options]

How long the threads of a gateway with a large configuration are kept from
serving by anything but traffic: reloads, requests to the admin API, scrapes
of the metrics, changes of the overlay, health checks and changes of names. A
gateway with two workers gets requests at a constant rate to all routes, and
each thing happens several times. For workers and for the main thread the table
has the median of the rounds and, in brackets, the maximum: of the CPU time that
the thread used between two turns of its event loop, and of the time, which
includes waiting for a core. The first line is the same without any of it.

  --routes <n>      (5000)
  --endpoints <n>   (1000)
  --rate <n>        requests per second (500)
  --rounds <n>      of each thing (7)
  --only <text>     things whose name contains the text
  --most-worker <n> ends with 1 if the median of a worker's CPU time is above
                    (no limit)
  --json            one object instead of the table
  --help

It ends with 0, with 1 where a limit was exceeded or a request failed, with 2
for a wrong command line.

example: npm run bench:stalls -- --only reload --rounds 3
`;

const wanted = optionsOr(
  usage,
  {
    routes: { type: 'string', default: '5000' },
    endpoints: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    'most-worker': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  (values) => ({
    routes: wholeNumber(values.routes, '--routes'),
    endpoints: wholeNumber(values.endpoints, '--endpoints'),
    perSecond: wholeNumber(values.rate, '--rate'),
    rounds: wholeNumber(values.rounds, '--rounds'),
    only: values.only,
    mostMs: values['most-worker'] === undefined ? Infinity : wholeNumber(values['most-worker'], '--most-worker'),
    json: values.json,
  }),
);

const { figures, requests, failed } = await measureStalls({
  ...wanted,
  warmRounds: 1,
  quietMs: 1000,
  settleMs: 300,
  onFigures: ({ situation }) => {
    if (process.stderr.isTTY) process.stderr.write(`${situation}\n`);
  },
});
if (wanted.json) console.log(JSON.stringify({ figures, requests, failed }));
else console.log(`${stallTable(figures)}\n${requests} requests, ${failed} failed`);
if (failed > 0 || figures.some(({ worker }) => worker.cpuMedianMs > wanted.mostMs)) process.exitCode = 1;
