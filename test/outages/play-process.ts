import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAdmin } from './admin-client.ts';
import { findPlay } from './corpus.ts';
import type { ClientReport, FlowSecond } from './flows.ts';
import { IncidentWatch } from './incident-watch.ts';
import { Lab } from './lab.ts';
import type { Play } from './outage.ts';
import { encodeSeconds, type PlayResult } from './play-result.ts';

// Plays one outage or control: its name is the first argument. The result is sent to the runner. With `quick` after it, the times
// are short: whether clients meet what the play is meant to do.

const [name = '', speed = ''] = process.argv.slice(2);
const isQuick = speed === 'quick';
const found = findPlay(name);
const folder = mkdtempSync(join(tmpdir(), 'candor-outage-'));
/** The lab once it has started, which is ended whatever happens. */
const labs: Lab[] = [];
const aborted = new AbortController();

for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, () => aborted.abort());

const emptyResult: Omit<PlayResult, 'cpuSeconds' | 'wallSeconds'> = {
  name,
  isControl: found.isControl,
  beginSecond: 0,
  endSecond: 0,
  lastSecond: 0,
  names: [],
  flows: {},
  errors: {},
  incidents: [],
  events: [],
};
const startedAt = Date.now();
const flows: Record<string, FlowSecond[]> = {};
const errors: Record<string, number> = {};
let clientsAt = startedAt;
const second = (): number => Math.round((Date.now() - clientsAt) / 1000);

const result = await play(found.play).catch((error: unknown) => ({
  ...emptyResult,
  failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
await labs[0]?.stop();
// What a play that failed has written says why.
if (result.failure === undefined || aborted.signal.aborted) rmSync(folder, { recursive: true, force: true });
const whole: PlayResult = {
  ...result,
  cpuSeconds: cpuSeconds(),
  wallSeconds: Math.round((Date.now() - startedAt) / 1000),
};
if (process.send === undefined) console.log(JSON.stringify(whole));
else process.send(whole, () => process.exit(0));
if (process.send === undefined) process.exit(0);

async function play({ setup, ...play }: Play): Promise<Omit<PlayResult, 'cpuSeconds' | 'wallSeconds'>> {
  const healthySeconds = isQuick ? 20 : (play.healthySeconds ?? 75);
  const lab = await Lab.start(setup, folder);
  labs.push(lab);
  clientsAt = Date.now();
  lab.startClients((message) => note(message as ClientReport));
  const watch = new IncidentWatch(lab.socket, second);
  try {
    await waitUntil(healthySeconds - 15);
    lab.order({ kind: 'learned' });
    await waitUntil(healthySeconds - 12);
    await play.before?.(lab);
    await waitUntil(healthySeconds);
    const beginSecond = second();
    await play.begin(lab);
    await waitUntil(beginSecond + (isQuick ? Math.min(play.seconds, 25) : play.seconds));
    const endSecond = second();
    await play.end(lab);
    await waitUntil(second() + (isQuick ? 6 : (play.afterSeconds ?? 70)));
    if (!lab.isGatewayRunning) throw new Error('the gateway has ended');
    await watch.look();
    return {
      ...emptyResult,
      beginSecond,
      endSecond,
      lastSecond: second(),
      names: namesOf(lab),
      flows: Object.fromEntries(Object.entries(flows).map(([flow, seconds]) => [flow, encodeSeconds(seconds)])),
      errors: Object.fromEntries(
        Object.entries(errors)
          .toSorted(([, a], [, b]) => b - a)
          .slice(0, 20),
      ),
      incidents: watch.changes,
      events: await eventsOf(lab),
    };
  } finally {
    watch.stop();
  }
}

async function waitUntil(at: number): Promise<void> {
  await sleep(Math.max(clientsAt + at * 1000 - Date.now(), 0), null, { signal: aborted.signal });
}

function note({ flows: seen, errors: failures }: ClientReport): void {
  const at = Math.floor((Date.now() - clientsAt) / 1000);
  for (const [flow, one] of Object.entries(seen)) (flows[flow] ??= [])[at] = one;
  for (const [error, count] of Object.entries(failures)) errors[error] = (errors[error] ?? 0) + count;
}

/** Names of the truth, with the addresses that processes have in this play. */
function namesOf(running: Lab): string[] {
  const names = found.isControl ? [] : found.truth.names;
  return names.map((one) => one.replaceAll(/\{([\w-]+)\}/g, (_, process: string) => running.address(process)));
}

async function eventsOf(running: Lab): Promise<PlayResult['events']> {
  const path = `/v1/events?since=${new Date(clientsAt).toISOString()}&limit=300`;
  const answer = (await askAdmin(running.socket, 'GET', path)) as { events: ShownEvent[] };
  return answer.events
    .map(({ at, kind, subject, to }) => ({
      second: Math.round((Date.parse(at) - clientsAt) / 1000),
      kind,
      subject,
      to,
    }))
    .toReversed();
}

interface ShownEvent {
  readonly at: string;
  readonly kind: string;
  readonly subject: string;
  readonly to: string | null;
}

/** Processor time of this process and of all that it has started, which have ended. */
function cpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return Math.round(ticks / 10) / 10;
}
