import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameOf, play } from './play.ts';
import { allReleases, type PlayResult, strategies } from './play-result.ts';

// Plays one release with one strategy: both are its arguments, and after them the seconds of traffic before the deployment. The result is
// sent to the runner, or printed without one.

const [name, strategyName, before = ''] = process.argv.slice(2);
const release = allReleases.find((one) => one.name === name);
const strategy = strategies.find((one) => one === strategyName);
if (release === undefined || strategy === undefined) throw new Error('there is no such play');
const folder = mkdtempSync(join(tmpdir(), 'candor-release-'));
const aborted = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, () => aborted.abort());

const none = { requests: 0, harmed: 0, wrong: 0 };
const order = { release, strategy, beforeSeconds: Number(before), folder, signal: aborted.signal };
const result: PlayResult = await play(order).catch((error: unknown) => ({
  ...nameOf(release, strategy),
  failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
  ...{ migration: null, deploy: null, deploySecond: 0, endSecond: 0, sights: [], before: none, after: none },
  ...{
    afterMinute: none,
    byVersion: {},
    byRoute: {},
    harmedBySecond: {},
    faults: {},
    releases: null,
    gatewayOutput: '',
  },
}));
// The trees of releases are read-only.
spawnSync('chmod', ['-R', 'u+w', folder]);
if (process.env['KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
if (process.send === undefined) console.log(JSON.stringify(result));
else await new Promise((resolve) => process.send?.(result, resolve));
// A server that is part of the play may keep this process.
process.exit();
