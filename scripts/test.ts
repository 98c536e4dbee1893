import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { preparePeer, type PeerName } from './peers.ts';
import { repositoryRoot } from './repository.ts';
import { TestReport } from './test-report.ts';

/** What tests run beside ours; each is fetched where it is missing. */
const peers: readonly PeerName[] = ['nginx', 'haproxy', 'apache2', 'curl'];

/** The whole run; a suite that takes longer is not run before each commit. */
const runMsMax = 10 * 60_000;
/** One file: the slowest, the tarball's, builds and installs a package. */
const fileMsMax = 4 * 60_000;

const only = readOnly(process.argv.slice(2));
if (only === undefined) {
  console.error('usage: npm test -- [--only <part of a path>]');
  process.exitCode = 2;
} else {
  await runTests(only);
}

async function runTests(pattern: string): Promise<void> {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: repositoryRoot })
    .filter((file) => file.includes(pattern))
    .toSorted();
  if (files.length === 0) {
    console.error(`no test file has "${pattern}" in its path`);
    process.exitCode = 2;
    return;
  }
  for (const peer of peers) {
    const found = preparePeer(peer, console.log);
    if ('missing' in found) console.log(found.missing);
  }

  const report = new TestReport(console.log, pattern !== '');
  const stream = run({
    files: files.map((file) => `${repositoryRoot}/${file}`),
    cwd: repositoryRoot,
    // Two cores run two files; a third would only make each slower and its timings worse.
    concurrency: 2,
    timeout: fileMsMax,
    signal: AbortSignal.timeout(runMsMax),
  });
  stream.on('test:fail', (event) => report.failed({ ...event, file: name(event.file) }));
  stream.on('test:pass', (event) => report.passed({ ...event, file: name(event.file) }));
  stream.on('test:diagnostic', (event) => report.diagnosed({ ...event, file: name(event.file) }));
  stream.on('test:stdout', (event) => report.printed(name(event.file), event.message));
  stream.on('test:stderr', (event) => report.printed(name(event.file), event.message));
  stream.on('test:summary', (event) => {
    if (event.file !== undefined) report.fileEnded(name(event.file), event.duration_ms);
  });
  for await (const _ of stream) void _;
  process.exitCode = report.finish() ? 0 : 1;
}

/** The pattern of `--only`, '' without it, undefined for anything else. */
function readOnly(args: readonly string[]): string | undefined {
  if (args.length === 0) return '';
  if (args.length === 2 && args[0] === '--only') return args[1];
  return args.length === 1 && args[0]?.startsWith('--only=') === true ? args[0].slice('--only='.length) : undefined;
}

function name(file: string | undefined): string {
  return file === undefined ? 'a file' : relative(repositoryRoot, file);
}
