import { writeFileSync } from 'node:fs';
import { toolOptions } from '../tool-options.ts';
import { type DaysPlayed, playDays } from './simulated-days.ts';
import { faultsOfDay } from './simulated-days-faults.ts';

const usage = `usage: npm run simulate:days [-- --days <n> --from-day <n> --seed <text> --json <file>]

  Plays days of mixed traffic in which nothing is wrong, in simulated time, before all that looks for incidents: nights
  without requests, crawlers, scanners, clients with wrong requests, nightly jobs, good deploys, cold caches, pauses,
  single failures and small clumps of them. Prints each incident and each ejection of an endpoint: all are false. Then
  plays a day with three true faults, and prints after how many seconds and requests each was an incident.
  Ends with 1 where more than one incident a month was false, or a fault was not found.

  --days <n>      30 by default; 0: only the faults
  --from-day <n>  1 by default; a day has the same requests whether days before it are played or not
  --seed <text>   the same seed gives the same days; random by default
  --json <file>   writes all of it there besides ("-": prints it)

example: npm run simulate:days -- --days 3 --seed 7`;

const options = toolOptions(usage, ['seed', 'json'], { days: 30, 'from-day': 1 });
const { days, seed = String(process.hrtime.bigint()), json } = options;
const began = process.cpuUsage();
process.exitCode = run() ? 0 : 1;

function run(): boolean {
  console.error(`seed ${seed}`);
  const fromHour = 24 * Math.max(0, options['from-day'] - 1);
  const quiet = playDays({ seed, days, fromHour, onHour: hourPrinter(fromHour + days * 24) });
  const faulty = playDays({ seed, days: 1, fromHour: 9, hours: 5, besides: faultsOfDay });
  for (const { what, afterS, requests, failed } of faulty.faults) {
    const after = afterS === null ? 'not found' : `an incident after ${afterS.toFixed(0)} s`;
    console.log(`fault, ${what}: ${after}, ${requests} requests, of which it affected ${failed}`);
  }
  conclude(quiet, faulty);
  return quiet.incidents.length <= Math.ceil(days / 30) && faulty.faults.every(({ afterS }) => afterS !== null);
}

/** Prints what was found since the hour before, and how far it is. */
function hourPrinter(hours: number): NonNullable<Parameters<typeof playDays>[0]['onHour']> {
  let [incidentsPrinted, ejectionsPrinted] = [0, 0];
  return (hour, { incidents, ejections }) => {
    for (const { when, upstream, family, text, meanwhile } of incidents.slice(incidentsPrinted))
      console.log(
        `false incident, ${when}: ${upstream} ${family}, ${text} (${meanwhile.join('; ') || 'nothing besides'})`,
      );
    for (const { when, outlier, meanwhile } of ejections.slice(ejectionsPrinted))
      console.log(`false ejection, ${when}: ${JSON.stringify(outlier)} (${meanwhile.join('; ') || 'nothing besides'})`);
    [incidentsPrinted, ejectionsPrinted] = [incidents.length, ejections.length];
    const line = `hour ${hour} of ${hours}: ${incidents.length} incidents, ${ejections.length} ejections`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}${hour === hours ? '\n' : ''}`);
    else if (hour % 24 === 0) console.error(line);
  };
}

function conclude(quiet: DaysPlayed, faulty: DaysPlayed): void {
  const { requests, incidents, ejections } = quiet;
  console.log(
    `seed ${seed}: ${days} days, ${requests} requests, ${incidents.length} false incidents, ${ejections.length} false ejections, ` +
      `${(process.cpuUsage(began).user / 1e6).toFixed(0)} s of processor time`,
  );
  if (json === undefined) return;
  const text = `${JSON.stringify({ ...quiet, faults: faulty.faults }, null, 2)}\n`;
  if (json === '-') process.stdout.write(text);
  else writeFileSync(json, text);
}
