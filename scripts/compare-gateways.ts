import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/testing/system.ts';
import type { TortureStage } from '../src/testing/torture/stage.ts';
import { tortureCases } from '../src/testing/torture/cases.ts';
import { torture, type TortureReport } from '../src/testing/torture/torture.ts';
import { type GatewayName, gatewayPort, gateways, originPort, prepareGateway, printLine } from './compared-gateways.ts';
import { type Compared, comparisonDocument, comparisonMatrix, hasCase, withNewRows } from './comparison-document.ts';
import { cacheFolder, repositoryRoot } from './repository.ts';

// `npm run compare [-- <gateway>…]`: runs the torture suite against Debian's gateways and Candor, one after another, with
// the configurations in docs/torture/, and writes docs/comparison.md and docs/comparison.tsv. With names, only these
// gateways are run. With --document none is run: both are written from the last results. With --new only the cases that the
// matrix lacks are run, and their rows are added to it.

/** A gateway that has not started by then will not start, even on a busy machine. */
const startMsMax = 30_000;
const timeoutMs = 10_000;

// An exit stops the gateway too. Without this, a signal would leave it running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const documentOnly = '--document';
const newOnly = '--new';
const documentPath = join(repositoryRoot, 'docs', 'comparison.md');
const matrixPath = join(repositoryRoot, 'docs', 'comparison.tsv');
const resultsFolder = join(cacheFolder, 'torture');
await compare(process.argv.slice(2));

async function compare(wanted: readonly string[]): Promise<void> {
  const all = Object.keys(gateways) as GatewayName[];
  if (wanted.includes(newOnly)) return compareNew(all);
  const unknown = wanted.find((name) => name !== documentOnly && !Object.hasOwn(gateways, name));
  if (unknown !== undefined) return fail(`There is no ${unknown} here; there are ${all.join(', ')}.`);
  for (const name of all.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    const found = await putToTorture(name, []);
    if (found === null) process.exitCode = 1;
    else keepResult(found);
  }
  const compared = all.map(readResult).filter((found) => found !== null);
  if (process.exitCode === 1 || compared.length < all.length)
    return fail(`docs/comparison.md is unchanged; the results are in ${resultsFolder}.`);
  writeFileSync(documentPath, comparisonDocument(compared, readFileSync(documentPath, 'utf8')));
  writeFileSync(matrixPath, comparisonMatrix(compared));
  console.log('docs/comparison.md and docs/comparison.tsv are written.');
}

/** A full run is long. Until the next one, new cases of the suite are in the matrix but not in the totals. */
async function compareNew(all: readonly GatewayName[]): Promise<void> {
  const matrix = readFileSync(matrixPath, 'utf8');
  const added = tortureCases.map(({ id }) => id).filter((id) => !hasCase(matrix, id));
  if (added.length === 0) return console.log('docs/comparison.tsv has every case.');
  const compared: Compared[] = [];
  for (const name of all) {
    const found = await putToTorture(name, added);
    if (found === null) return fail('docs/comparison.tsv is unchanged.');
    const { report } = found;
    compared.push({ ...found, report: { ...report, runs: report.runs.filter((run) => added.includes(run.case)) } });
  }
  writeFileSync(matrixPath, withNewRows(matrix, compared));
  console.log(`docs/comparison.tsv has ${added.length} more rows.`);
}

function fail(line: string): void {
  console.error(line);
  process.exitCode = 1;
}

/** Stores the last result, so that one gateway can be run without the others. */
function keepResult(found: Compared): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(resultOf(found.name), `${JSON.stringify({ suite: suiteOf(), ...found }, null, 1)}\n`);
}

/** Null if there is no result, or one of another suite. */
function readResult(name: GatewayName): Compared | null {
  if (!existsSync(resultOf(name))) return null;
  const found = JSON.parse(readFileSync(resultOf(name), 'utf8')) as Compared & { readonly suite?: string };
  return found.suite === suiteOf() ? found : null;
}

function resultOf(name: string): string {
  return join(resultsFolder, `${name}.json`);
}

/** Identifies the cases, the expectations and the rules of judging: results of different suites cannot be compared. */
function suiteOf(): string {
  const text = JSON.stringify(tortureCases, (_, value: unknown) => (value instanceof RegExp ? value.source : value));
  const hash = createHash('sha256').update(text);
  for (const file of ['judge.ts', 'score.ts'])
    hash.update(readFileSync(join(repositoryRoot, 'src', 'testing', 'torture', file)));
  return hash.digest('hex').slice(0, 16);
}

async function putToTorture(name: GatewayName, only: readonly string[]): Promise<Compared | null> {
  const gateway = await prepareGateway(name);
  if (gateway === null) return null;
  try {
    // The authority of the TLS parts is created for each run; a gateway reads it when it starts.
    const report = await runSuite(gateway.title, only, ({ tls }) => {
      writeFileSync(join(gateway.folder, 'authority.pem'), tls?.authority.certificate ?? '');
      gateway.start();
    });
    if (report === null) return printLine(`${gateway.title} did not serve: ${gateway.output()}`);
    const { title, version } = gateway;
    return { name, title, version, report };
  } finally {
    await gateway.stop();
  }
}

async function runSuite(
  title: string,
  only: readonly string[],
  onStage: (stage: TortureStage) => void,
): Promise<TortureReport | null> {
  const result = await torture({
    gateway: { url: new URL(`http://127.0.0.1:${gatewayPort.here}/`), verify: true },
    listen: { host: '127.0.0.1', port: originPort.here },
    only,
    tls: true,
    timeoutMs,
    startMs: startMsMax,
    clock: systemClock,
    onStage,
    onRun: ({ of, request, on }, done, all) => {
      if (process.stdout.isTTY)
        process.stdout.write(`\r\u001b[K${title}: ${done + 1} of ${all} ${of.id} ${request.method} ${on}`);
    },
  });
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  if ('kind' in result) {
    // The stage has many parts, the same in each run.
    return printLine(`${title}: ${JSON.stringify({ ...result, stage: undefined })}`);
  }
  const { points, right, acceptable, misleading, dangerous } = result.score;
  console.log(
    `${title}: ${points} of 100 (${right} right, ${acceptable} acceptable, ${misleading} misleading, ${dangerous} dangerous)`,
  );
  return result;
}
