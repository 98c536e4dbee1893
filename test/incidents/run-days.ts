import { writeFileSync } from 'node:fs';
import { toolOptions } from '../tool-options.ts';
import { type DaysPlayed, playDays } from './simulated-days.ts';
import { faultsOfDay } from './simulated-days-faults.ts';

const usage = `usage: npm run simulate:days [-- --days <n> --from-day <n> --seed <text> --json <file>]

  Plays days of mixed traffic in which nothing is wrong, in simulated time, before all that looks for incidents: nights
  without requests, crawlers, scanners, clients with wrong requests, nightly jobs, good deploys, cold caches, pauses,
  single failures and small clumps of them. Prints each incident and each ejection of an endpoint: all are false. After
  each day it prints what was found on it: a run that was stopped goes on with --from-day. Then it plays a day with three
  true faults, and prints after how many seconds and requests each was an incident.
  Ends with 1 where more than one incident a month was false, or a fault was not found.

  --days <n>      30 by default; 0: only the faults
  --from-day <n>  1 by default; a day has the same requests whether days before it are played or not
  --seed <text>   the same seed gives the same days; random by default
  --json <file>   writes all of it there besides, after each day ("-": prints it at the end)

example: npm run simulate:days -- --days 3 --seed 7`;

const options = toolOptions(usage, ['seed', 'json'], { days: 30, 'from-day': 1 });
const { days, seed = String(process.hrtime.bigint()), json } = options;
const began = process.cpuUsage();

function run(): boolean {
  console.error(`seed ${seed}`);
  const fromHour = 24 * Math.max(0, options['from-day'] - 1);
  const quiet = playDays({ seed, days, fromHour, onHour: hourPrinter(fromHour + days * 24) });
  const faulty = playDays({ seed, days: 1, fromHour: 9, hours: 5, besides: faultsOfDay });
  for (const { what, afterS, requests, failed } of faulty.faults) {
    const after = afterS === null ? 'not found' : `an incident after ${afterS.toFixed(0)} s`;
    console.log(`fault, ${what}: ${after}, ${requests} requests, of which it affected ${failed}`);
  }
  console.log(`seed ${seed}: ${days} days, ${sumOf(quiet)}, ${processorS()} s of processor time`);
  writeJson(quiet, faulty);
  if (json === '-') process.stdout.write(jsonOf(quiet, faulty));
  return quiet.incidents.length <= Math.ceil(days / 30) && faulty.faults.every(({ afterS }) => afterS !== null);
}

/** Prints what was found since the hour before, how far it is, and the sum of each day. */
function hourPrinter(hours: number): NonNullable<Parameters<typeof playDays>[0]['onHour']> {
  let printed = nothingPlayed;
  let day = nothingPlayed;
  return (hour, played) => {
    for (const { when, upstream, family, text, meanwhile } of since(printed, played).incidents)
      console.log(`false incident, ${when}: ${upstream} ${family}, ${text} (${besides(meanwhile)})`);
    for (const { when, outlier, meanwhile } of since(printed, played).ejections)
      console.log(`false ejection, ${when}: ${JSON.stringify(outlier)} (${besides(meanwhile)})`);
    printed = played;
    if (process.stderr.isTTY)
      process.stderr.write(`\rhour ${hour} of ${hours}: ${sumOf(played)}${hour === hours ? '\n' : ''}`);
    if (hour % 24 !== 0) return;
    console.log(`day ${hour / 24}: ${sumOf(since(day, played))}, ${processorS()} s of processor time so far`);
    writeJson(played, null);
    day = played;
  };
}

const nothingPlayed: DaysPlayed = { seed, days: 0, requests: 0, incidents: [], ejections: [], faults: [] };

const besides = (meanwhile: readonly string[]): string => meanwhile.join('; ') || 'nothing besides';

/** What was found after another time. */
function since(before: DaysPlayed, { requests, incidents, ejections, ...rest }: DaysPlayed): DaysPlayed {
  return {
    ...rest,
    requests: requests - before.requests,
    incidents: incidents.slice(before.incidents.length),
    ejections: ejections.slice(before.ejections.length),
  };
}

const sumOf = ({ requests, incidents, ejections }: DaysPlayed): string =>
  `${requests} requests, ${incidents.length} false incidents, ${ejections.length} false ejections`;

const processorS = (): string => (process.cpuUsage(began).user / 1e6).toFixed(0);

const jsonOf = (quiet: DaysPlayed, faulty: DaysPlayed | null): string =>
  `${JSON.stringify({ ...quiet, faults: faulty?.faults ?? [] }, null, 2)}\n`;

function writeJson(quiet: DaysPlayed, faulty: DaysPlayed | null): void {
  if (json !== undefined && json !== '-') writeFileSync(json, jsonOf(quiet, faulty));
}

process.exitCode = run() ? 0 : 1;
