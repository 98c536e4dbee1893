import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, countAnswers } from './answer.ts';
import { Application, environmentOf, migrate } from './application.ts';
import { badReleases } from './bad-releases.ts';
import { oldRelease, writeFiles } from './base-application.ts';
import { goodReleases } from './good-releases.ts';
import { oldCommands, type Release } from './release-form.ts';
import { StockService } from './stock-service.ts';
import { Traffic } from './traffic.ts';

const usage = `usage: self-check.ts [name ...]

Plays releases without a gateway: clients use the old release for some seconds, then the new one alone. A bad release must harm
them as it says, a good one must not. All 60 take some 25 minutes.

It ends with 0 where every release is as it says, 1 otherwise.

example: node test/releases/self-check.ts see-other
`;

const oldMs = 6000;
const readyMs = 12_000;
/** So many late answers more than before are what a busy machine does. */
const lateShareMax = 0.03;

interface Result {
  readonly isReady: boolean;
  readonly isMigrated: boolean;
  readonly isStopped: boolean;
  readonly before: readonly Answer[];
  readonly after: readonly Answer[];
}

const all = [...badReleases, ...goodReleases];
const names = process.argv.slice(2);
if (names.includes('--help')) {
  console.log(usage);
  process.exit(0);
}
if (names.some((name) => !all.some((one) => one.name === name))) {
  console.error(usage);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const wanted = all.filter(({ name }) => names.length === 0 || names.includes(name));
for (const [index, release] of wanted.entries()) {
  const problems = problemsOf(release, await play(release));
  if (problems.length > 0) process.exitCode = 1;
  console.log(`[${index + 1}/${wanted.length}] ${release.name}: ${problems.join('; ') || 'as it says'}`);
}
// A server that is part of the play may keep this process.
process.exit();

async function play(release: Release): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-release-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  writeFiles(join(folder, 'old'), oldRelease(release.language));
  writeFiles(join(folder, 'new'), release.files(oldRelease(release.language)));
  const stock = await StockService.start();
  const usual = environmentOf(data, stock.url);
  const environment = { ...usual, ...release.environment };
  const old = await Application.start(
    join(folder, 'old'),
    oldCommands[release.language],
    usual,
    join(folder, 'old.txt'),
  );
  if (!(await old.isReady(readyMs))) throw new Error('the old release does not start');
  const traffic = new Traffic(old.port);
  await sleep(oldMs);
  const isMigrated = release.migration === null || migrate(join(folder, 'new'), release.migration, environment);
  const next = await Application.start(join(folder, 'new'), release.command, environment, join(folder, 'new.txt'));
  const isReady = await next.isReady(readyMs);
  const movedAt = traffic.moveTo(next.port);
  await meet(release, traffic, stock);
  await traffic.stop();
  const isStopped = await next.stop();
  await Promise.all([old.stop(), stock.stop()]);
  const before = traffic.answers.filter(({ at }) => at < movedAt);
  const after = traffic.answers.filter(({ at }) => at >= movedAt);
  if (process.env['KEEP'] === undefined) rmSync(folder, { recursive: true });
  return { isReady, isMigrated, isStopped, before, after };
}

/** Lets the clients use the new release, with what happens meanwhile. */
async function meet({ meanwhile, shownAfterSeconds }: Release, traffic: Traffic, stock: StockService): Promise<void> {
  if (meanwhile?.kind === 'extra_client') traffic.addClient(meanwhile.client);
  const during = (meanwhile !== null && 'forSeconds' in meanwhile ? meanwhile.forSeconds : 0) * 1000;
  await sleep(1000);
  if (meanwhile?.kind === 'rate_doubles') traffic.perSecond *= 2;
  if (meanwhile?.kind === 'stock_fails') stock.mode = 'fails';
  if (meanwhile?.kind === 'stock_is_slow') stock.mode = 'is_slow';
  await sleep(during);
  stock.mode = 'usual';
  await sleep(shownAfterSeconds * 1000);
}

function problemsOf(release: Release, { isReady, isMigrated, isStopped, before, after }: Result): string[] {
  const problems: string[] = [];
  const [counts, usual] = [countAnswers(after, release.harmed), countAnswers(before, release.harmed)];
  const [share, usualShare] = [counts.harmed / counts.requests, usual.harmed / usual.requests];
  const isHard = (answer: Answer): boolean => release.harmed(answer) && answer.fault !== 'late';
  const hard = after.filter(isHard).length;
  const isOther = ({ version }: Answer): boolean => version !== null && version !== release.name;
  if (after.some(isOther)) problems.push(`it says that it is ${after.find(isOther)?.version}`);
  if (before.some(isHard)) problems.push(`the old release: ${faultsOf(release, before)}`);
  const seen = `${counts.harmed} of ${counts.requests} harmed, before ${usual.harmed} of ${usual.requests}`;
  if (process.env['DETAILS'] !== undefined) console.log(`${seen}: ${faultsOf(release, after)}`);
  const isStarted = isReady && isMigrated;
  if (isStarted !== (release.expected !== 'refused')) problems.push(isStarted ? 'it is ready' : 'it is not ready');
  if (release.expected === 'promoted') {
    if (hard > 0 || share > usualShare + lateShareMax) problems.push(`${seen}: ${faultsOf(release, after)}`);
    if (!isStopped) problems.push('SIGTERM does not end it');
  } else if (hard < 3 && (counts.harmed < 3 || share < 3 * usualShare)) problems.push(seen);
  if (release.kind === 'ignores_sigterm' && isStopped) problems.push('SIGTERM ends it');
  return problems;
}

/** Such as `search status 500: 3`. */
function faultsOf({ harmed }: Release, answers: readonly Answer[]): string {
  const counts = new Map<string, number>();
  for (const answer of answers.filter(harmed)) {
    const text = `${answer.route} ${answer.fault} ${answer.status}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${text}: ${count}`).join(', ');
}
