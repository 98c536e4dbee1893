// Starts processes: a gateway with an application, and the commands of a pipeline.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { GatewayFolder, type RunningGateway } from '../gateway/gateway-folder.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { candorProgram } from '../program.ts';
import { blocksOf, readDocument } from './markdown.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

/** The pipelines of docs/releases.md, run line by line: only the network between the runner and the machine is not there. */

interface Pipeline {
  readonly deploy: { readonly steps?: readonly { readonly run?: string }[]; readonly script?: readonly string[] };
}

const pipelines = blocksOf(readDocument('docs/releases.md'))
  .filter(({ language }) => language === 'yml')
  .map(({ text }) => ({ name: /^# (.*)/.exec(text)?.[1] ?? '', deploy: (parse(text) as Pipeline).deploy }));

/** The exit code of the first line of the table that has this one. */
function meaningOf(code: number): string {
  const [, table = ''] = readDocument('docs/releases.md').split('| exit code | in a pipeline |');
  const rows = [...table.matchAll(/^\| ([\d, ]+) \| (.*) \|$/gm)];
  const row = rows.find(([, codes = '']) => codes.split(', ').includes(String(code)));
  return row?.[2] ?? assert.fail(`the table has no ${code}`);
}

const sha = (release: string): string => release.padEnd(40, '0');

const server = (start: string): string => `
${start}
require('node:http').createServer((request, response) => response.end('served')).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit());
`;

class Runner {
  readonly #folder: GatewayFolder;
  readonly #gateway: RunningGateway;
  readonly #steps: readonly string[];
  readonly #shell: readonly string[];

  private constructor(folder: GatewayFolder, gateway: RunningGateway, deploy: Pipeline['deploy']) {
    this.#folder = folder;
    this.#gateway = gateway;
    // GitHub runs each step by itself, GitLab all lines in one shell.
    this.#steps = deploy.steps?.flatMap(({ run }) => run ?? []) ?? [(deploy.script ?? []).join('\n')];
    this.#shell = deploy.steps === undefined ? ['sh', '-e'] : ['bash', '-e'];
  }

  static async start(context: TestContext, { deploy }: (typeof pipelines)[number], bake: string): Promise<Runner> {
    const folder = new GatewayFolder(context, { 'server.cjs': server('') });
    const at = (...names: string[]): string => join(folder.path, ...names);
    for (const name of ['bin', 'home', 'builds', 'shop/dist', 'shop/node_modules', 'first/dist'])
      mkdirSync(at(name), { recursive: true });
    writeFileSync(at('first/dist/server.js'), server(''));
    writeFileSync(at('shop/package.json'), '{}');
    const gateway = await folder.start(
      `listeners: { http: "127.0.0.1:0" }\nworkers: 1\nstate: ${at('state')}\napplications:\n  shop:\n` +
        `    command: ["${process.execPath}", dist/server.js]\n    directory: ${at('first')}\n` +
        `    readiness: { path: /, interval: 20ms, passes: 2 }\n    releases: { bake: ${bake} }\nroutes: [{ to: shop }]\n`,
    );
    const runner = new Runner(folder, gateway, deploy);
    runner.#program('npm', 'exit 0');
    // As sshd: a shell of the other machine reads the words.
    runner.#program('ssh', '[ "$1" = deploy@shop.example ] || exit 255; shift; exec sh -c "$*"');
    runner.#program('scp', '[ "${2%%:*}" = deploy@shop.example ] || exit 255; exec cp "$1" "${2#*:}"');
    runner.#program('candor', `exec "${process.execPath}" "${candorProgram}" "$@" --socket "${gateway.socket}"`);
    return runner;
  }

  #program(name: string, text: string): void {
    const path = join(this.#folder.path, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }

  /** Builds this, and deploys it: with which code the job ends, and what it says. */
  async run(release: string, text: string): Promise<{ code: number; output: string }> {
    const { path } = this.#folder;
    const cwd = join(path, 'shop');
    writeFileSync(join(cwd, 'dist/server.js'), text);
    const env = {
      ...{ PATH: `${join(path, 'bin')}:${process.env['PATH']}`, HOME: join(path, 'home'), XDG_RUNTIME_DIR: path },
      ...{ GITHUB_SHA: sha(release), CI_COMMIT_SHA: sha(release), CI_COMMIT_SHORT_SHA: sha(release).slice(0, 8) },
    };
    let output = '';
    for (const step of this.#steps) {
      const filled = step
        .replace(/\$\{\{ secrets\.(\w+) \}\}/g, 'the $1')
        .replaceAll('/srv/builds', join(path, 'builds'));
      const [shell = '', ...flags] = this.#shell;
      const child = spawn(shell, [...flags, '-c', filled], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (part: string) => (output += part));
      const [code] = (await once(child, 'close')) as [number];
      if (code !== 0) return { code, output };
    }
    return { code: 0, output };
  }

  /** As another terminal does it. */
  async rollback(): Promise<void> {
    type Releases = { applications: readonly { rollout: { state: string } | null }[] };
    const isBaking = async (): Promise<boolean> =>
      ((await this.#gateway.ask('/v1/releases')) as Releases).applications[0]?.rollout?.state === 'baking';
    await until('it is watched', isBaking, 30_000);
    await this.#gateway.ask('/v1/releases/rollback', { application: 'shop' });
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }

  readHome(name: string): string {
    return readFileSync(join(this.#folder.path, 'home', name), 'utf8');
  }

  removeBuilds(): void {
    rmSync(join(this.#folder.path, 'builds'), { recursive: true });
  }
}

for (const pipeline of pipelines) {
  describe(`the example for ${pipeline.name}`, () => {
    test('deploys a build; a repeated job changes nothing; a build that does not start fails the job', async (context) => {
      const runner = await Runner.start(context, pipeline, '100ms');
      const good = await runner.run('a1', server('// 1'));
      assert.equal(good.code, 0, good.output);
      assert.match(good.output, /✔ a100000\w+ is in force/);
      assert.match(meaningOf(0), /^in force\. The same content again, .* changes nothing and ends with 0 too$/);
      if (pipeline.name === 'GitHub Actions') {
        assert.equal(runner.readHome('.ssh/id_ed25519'), 'the DEPLOY_KEY\n');
        assert.equal(runner.readHome('.ssh/known_hosts'), 'the DEPLOY_HOST_KEY\n');
      }
      // With `npm test` the exit codes are those of the first pipeline alone: the command is the same.
      if (!isWholeSweep && pipeline !== pipelines[0]) return;
      const again = await runner.run('a1', server('// 1'));
      assert.equal(again.code, 0, again.output);
      assert.match(again.output, /is in force: it was already/);
      const bad = await runner.run('b2', server('process.exit(3);'));
      assert.equal(bad.code, 5, bad.output);
      assert.match(meaningOf(5), /^the release is bad, and the old one serves/);
      // The name of another release: the build has changed, the commit has not.
      const taken = await runner.run('a1', server('// 2'));
      assert.equal(taken.code, 10, taken.output);
      assert.match(meaningOf(10), /^nothing was done/);
      await runner.stop();
      assert.equal((await runner.run('c3', server('// 3'))).code, 8);
      assert.match(meaningOf(8), /^it is not known/);
      runner.removeBuilds();
      assert.notEqual((await runner.run('d4', server('// 4'))).code, 0, 'what cannot be copied is not deployed');
    });

    if (!sampled(pipelines, 2, 1).includes(pipeline)) return;
    test('ends with 6 where the release is taken back', async (context) => {
      const runner = await Runner.start(context, pipeline, '60s');
      const [{ code, output }] = await Promise.all([runner.run('e5', server('// 5')), runner.rollback()]);
      assert.equal(code, 6, output);
      assert.match(meaningOf(6), /^the release is bad/);
    });
  });
}

test('there are two', () =>
  assert.deepEqual(
    pipelines.map(({ name }) => name),
    ['GitHub Actions', 'GitLab'],
  ));
