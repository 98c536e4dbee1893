// Starts processes: `candor run` tells a terminal what is wrong with its application.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { eventOfJson } from '../../src/core/event-json.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { candorProgram as program } from '../program.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// Applications that never become ready: answers, status and terminal report at once what the checks see, and what to
// do.

const http =
  "const http = require('node:http'); const port = Number(process.env.PORT); const serve = (answer) => http.createServer(answer);";

interface Sick {
  readonly name: string;
  /** The source of the whole application. */
  readonly source: string;
  readonly says: RegExp;
  /** What to do, under `candor run` and under `candor up`. */
  readonly run: RegExp;
  readonly up: RegExp;
  /** A check can only see that nothing listens; the terminal waits 5 s before it says so. */
  readonly isSlow?: true;
}

const sickOnes: readonly Sick[] = [
  {
    name: 'answers 404 at /',
    source: `${http} serve((_, answer) => { answer.statusCode = 404; answer.end(); }).listen(port, '127.0.0.1');`,
    says: /GET \/ on port \d+ answered 404/,
    run: /--readiness-path at a path that exists/,
    up: /readiness\.path at a path that exists/,
  },
  {
    name: 'redirects',
    source: `${http} serve((_, answer) => { answer.writeHead(302, { location: '/login' }); answer.end(); }).listen(port, '127.0.0.1');`,
    says: /answered 302, which redirects to \/login/,
    run: /--readiness-path at a path that answers 200/,
    up: /readiness\.path at a path that answers 200/,
  },
  {
    name: 'ignores PORT',
    source: `${http} serve((_, answer) => answer.end()).listen(0, '127.0.0.1');`,
    says: /the application listens on 127\.0\.0\.1:\d+, not on \d+, the port that it was given \(PORT\)/,
    run: /PORT environment variable, or write \{port\} in its command, or start Candor with --app-port \d+/,
    up: /PORT environment variable, or write \{port\} in its command, or set port: \d+ for the application/,
  },
  {
    name: 'listens on ::1 only',
    source: `${http} serve((_, answer) => answer.end()).listen(port, '::1');`,
    says: /the application listens on \[::1\]:\d+, not on 127\.0\.0\.1/,
    run: /listen on 127\.0\.0\.1 by a setting or an option of its own/,
    up: /listen on 127\.0\.0\.1 by a setting or an option of its own/,
  },
  {
    name: 'answers 500 at /',
    source: `${http} serve((_, answer) => { answer.statusCode = 500; answer.end('no database'); }).listen(port, '127.0.0.1');`,
    says: /answered 500 \("no database"\)/,
    run: /in its output why it fails, or point --readiness-path/,
    up: /in its output why it fails, or point readiness\.path/,
  },
  {
    name: 'accepts connections and never answers',
    source: `${http} serve(() => {}).listen(port, '127.0.0.1');`,
    says: /no answer within 1000 ms/,
    run: /what its answer waits for, or point --readiness-path/,
    up: /what its answer waits for, or point readiness\.path/,
  },
  {
    name: 'prints an error and stays',
    source: "console.error('Error: cannot reach the database'); setInterval(() => {}, 1000);",
    says: /nothing listens there yet; the application wrote last: "Error: cannot reach the database"/,
    run: /listen on 127\.0\.0\.1 and the port in the PORT environment variable/,
    up: /listen on 127\.0\.0\.1 and the port in the PORT environment variable/,
    isSlow: true,
  },
];

/** Generous: the messages take 0.3 to 3 s on an idle machine; they once took 60 s, or never came. */
// A request waits 5 s for an instance of which is not yet known that it cannot become ready.
const timeoutMs = 40_000;

interface Told {
  readonly kind: string;
  readonly reason: string;
  readonly at: string;
}

/** Runs `candor run` in a process of its own. */
class RunningCommand {
  readonly port: number;
  readonly events: Told[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;

  constructor(port: number, folder: string, source: string) {
    this.port = port;
    this.#folder = folder;
    const command = ['run', '--port', String(port), '--', process.execPath, '-e', source];
    const env = { ...process.env, XDG_RUNTIME_DIR: folder };
    this.#child = spawn(process.execPath, [program, ...command], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let rest = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('{')) this.events.push(eventOfJson(JSON.parse(line)) as unknown as Told);
    });
  }

  told(kind: string): Told | undefined {
    return this.events.find((event) => event.kind === kind);
  }

  async ask(accept: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}/`, { headers: { accept } }).catch(() => null);
    return response === null ? '' : response.text();
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Problem {
  readonly cause?: string;
  readonly detail?: string;
  readonly next_step?: string;
  readonly evidence?: unknown;
}

function problemIn(text: string): Problem {
  return text.startsWith('{') ? (JSON.parse(text) as Problem) : {};
}

/** The text of a page as a person reads it. */
function readable(page: string): string {
  return page.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&gt;', '>');
}

// Each has a gateway of its own, and mostly waits.
describe('an application under candor run', { concurrency: 3 }, () => {
  // Each in a process of its own.
  for (const sick of sampled(sickOnes, 6)) {
    test(`that ${sick.name}: answer, page and terminal say so, and what to do`, async (context) => {
      const folder = await mkdtemp(join(tmpdir(), 'candor-not-ready-'));
      const command = new RunningCommand(await freePort(), folder, sick.source);
      context.after(() => command.stop());
      let problem: Problem = {};
      await until(
        'the answer says it',
        async () => {
          problem = problemIn(await command.ask('application/json'));
          return sick.says.test(problem.detail ?? '');
        },
        timeoutMs,
      );
      assert.equal(problem.cause, 'instance_starting');
      assert.match(problem.next_step ?? '', sick.run);
      const page = readable(await command.ask('text/html'));
      assert.match(page, sick.says);
      assert.match(page, sick.run);
      assert.doesNotMatch(page, /just starting/);
      const kinds = ['instance_not_ready', 'instance_wrong_listen_address'];
      const told = (): Told | undefined => kinds.map((kind) => command.told(kind)).find((event) => event !== undefined);
      await until('the terminal says it', () => told() !== undefined, timeoutMs);
      assert.match(told()?.reason ?? '', sick.says);
      assert.match(told()?.reason ?? '', sick.run);
    });
  }
});

describe('an application under candor up', { concurrency: 3 }, () => {
  async function start(yaml: string, context: TestContext): Promise<YamlGateway> {
    const edge = await startFromYaml(yaml);
    context.after(() => edge.stop());
    return edge;
  }

  function yaml({ source }: Sick, more: string): string {
    return `${more}
applications:
  shop:
    command: ${JSON.stringify([process.execPath, '-e', source])}
`;
  }

  // `src/deploy/readiness-finding.test.ts` has the sentences of all.
  for (const sick of sampled(sickOnes, 3, 1)) {
    test(`that ${sick.name}: operators get the configuration key to change`, async (context) => {
      const edge = await start(yaml(sick, 'disclosure: operator'), context);
      const text = async (): Promise<string> => (await edge.get('/', ['Accept: application/json'])).body.toString();
      await until('the answer says it', async () => sick.says.test(problemIn(await text()).detail ?? ''), timeoutMs);
      assert.match(problemIn(await text()).next_step ?? '', sick.up);
      const instance = edge.gateway.status().applications[0]?.instances[0];
      assert.match(instance?.reason ?? '', sick.up);
    });
  }

  test('tells clients without disclosure the problem type alone', async (context) => {
    const [sick] = sickOnes;
    assert.ok(sick !== undefined);
    const edge = await start(yaml(sick, ''), context);
    await until('the gateway knows the reason', () =>
      /404/.test(edge.gateway.status().applications[0]?.instances[0]?.reason ?? ''),
    );
    for (const accept of ['application/json', 'text/html', 'text/plain']) {
      const { body, headers } = await edge.get('/', [`Accept: ${accept}`]);
      const all = `${body.toString()} ${JSON.stringify(headers)}`;
      assert.doesNotMatch(all, /\b404\b|readiness|port \d|GET \//);
      assert.match(all, /destination_unavailable/);
    }
  });
});
