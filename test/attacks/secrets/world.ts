import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeProcessContext } from '../../fakes/fake-process-context.ts';
import { sampled } from '../../../src/testing/sweep.test-support.ts';
import { candorProgram as program } from '../../program.ts';

/**
 * A gateway process, with an endpoint that sends the given answers, and applications with secrets in their environment
 * and output. Collects everything that Candor shows, writes or sends, by name.
 */

/** Far longer than any step takes, on a busy machine too. */
const waitMs = 30_000;

/** One request, and the bytes with which the endpoint at `/raw` answers it. */
export interface Exchange {
  readonly request: string;
  /** Bytes as latin1; absent if the request never reaches the endpoint. */
  readonly answer?: string;
}

interface Started {
  /** The arguments and environment of the applications, and what they print before they exit. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly lastWords: string;
  /** The token of the admin API. */
  readonly token: string;
}

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'candor-secrets-'));
  /** Everything that Candor shows, writes or sends, by name. */
  readonly outputs = new Map<string, string>();
  readonly #origin: Server;
  readonly #sockets = new Set<Socket>();
  #answer = '';
  #process: ChildProcess | null = null;
  #terminal = '';
  #port = 0;

  private constructor(origin: Server) {
    this.#origin = origin;
    origin.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
      socket.once('data', () => socket.end(Buffer.from(this.#answer, 'latin1')));
    });
  }

  static async start(started: Started): Promise<World> {
    const origin = createServer();
    await once(origin.listen(0, '127.0.0.1'), 'listening');
    const world = new World(origin);
    try {
      await world.#run(started);
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  async #run({ command, environment, lastWords, token }: Started): Promise<void> {
    const hash = createHash('sha256').update(token).digest('hex');
    const server = `require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1')`;
    const ending = `process.stderr.write(${JSON.stringify(lastWords)}, () => process.exit(3))`;
    const configuration = {
      deployment: 'shop',
      workers: 1,
      listeners: { http: '127.0.0.1:0' },
      admin: { socket: join(this.folder, 'admin.sock'), listen: '127.0.0.1:0', tokens: { deploy: `sha256:${hash}` } },
      log: { path: join(this.folder, 'log.ndjson'), secret_headers: ['X-Internal'] },
      state: join(this.folder, 'state'),
      disclosure: 'operator',
      applications: {
        web: { command: [process.execPath, '-e', server, '--', ...command], environment },
        ends: { command: [process.execPath, '-e', ending] },
      },
      upstreams: {
        raw: { endpoints: [`127.0.0.1:${(this.#origin.address() as AddressInfo).port}`], attempts: 1 },
      },
      routes: [
        { path: '/raw', to: 'raw' },
        { path: '/public', to: 'raw', disclosure: 'public' },
        { path: '/web', to: 'web' },
        { path: '/ends', to: 'ends' },
      ],
    };
    const file = join(this.folder, 'candor.yaml');
    writeFileSync(file, ascii(JSON.stringify(configuration)));
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, HOME: this.folder, TMPDIR: this.folder, XDG_RUNTIME_DIR: this.folder };
    this.#process = spawn(process.execPath, [program, 'up', '-c', file], { cwd: this.folder, env });
    this.#process.stdout?.on('data', (text) => (this.#terminal += String(text)));
    this.#process.stderr?.on('data', (text) => (this.#terminal += String(text)));
    await this.#until(async () => {
      const status = await this.candor(['status', '--json']);
      const { listeners = [], applications = [] } = status === '' ? {} : (JSON.parse(status) as StatusJson);
      this.#port = Number(/:(\d+)$/.exec(listeners[0]?.address ?? '')?.[1] ?? 0);
      const web = applications.find(({ id }) => id === 'web')?.instances[0]?.phase;
      const ended = applications.find(({ id }) => id === 'ends')?.instances[0]?.last_lines.length ?? 0;
      return this.#port > 0 && web === 'ready' && ended > 0;
    });
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + waitMs;
    while (!(await isSo())) {
      assert.equal(this.#process?.exitCode ?? null, null, this.#terminal);
      assert.ok(performance.now() < end, this.#terminal);
      await sleep(50);
    }
  }

  /** The output of a command, on both streams. */
  async candor(argv: readonly string[], terminal = false): Promise<string> {
    const context = new FakeProcessContext(this.folder, { terminal });
    const asks = argv[0] !== 'explain' || !argv.some((word) => word.endsWith('.ndjson'));
    const code = await context.candor(...argv, ...(asks ? ['--socket', join(this.folder, 'admin.sock')] : []));
    const isMissing = code !== 0 && argv[0] === 'status';
    return isMissing ? '' : context.stdout.text + context.stderr.text;
  }

  /** Sends bytes and waits for the end of the connection. For an incomplete request it waits only for the answer. */
  async send({ request, answer = '' }: Exchange): Promise<string> {
    this.#answer = answer;
    const socket = connect(this.#port, '127.0.0.1');
    const came: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => came.push(bytes)).on('error', () => socket.destroy());
    socket.end(Buffer.from(request, 'latin1'));
    const timer = setTimeout(() => socket.destroy(), waitMs);
    await once(socket, 'close');
    clearTimeout(timer);
    return Buffer.concat(came).toString('latin1');
  }

  /** All other outputs, after the exchanges. */
  async collect(): Promise<void> {
    const log = join(this.folder, 'log.ndjson');
    const records = (): readonly string[] =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => /^\{"v":\d+,"id":/.test(line));
    let known = -1;
    // The log is complete when two reads are equal whose distance is longer than the time for which it is buffered.
    await this.#until(async () => {
      const before = known;
      known = records().length;
      if (before !== known) await sleep(500);
      return before === known && known > 0;
    });
    const note = (name: string, text: string): Map<string, string> => this.outputs.set(name, text);
    note('log', readFileSync(log, 'utf8'));
    for (const terminal of [false, true]) {
      const where = terminal ? ' on a terminal' : '';
      for (const command of [['status'], ['status', '--json'], ['events'], ['events', '--json'], ['explain', log]])
        note(
          `${command[0]} ${command[1] === log ? '' : (command[1] ?? '')}${where}`,
          await this.candor(command, terminal),
        );
      const ids = records().map((line) => (JSON.parse(line) as { id: string }).id);
      // With `npm test` text is for people and JSON for programs; each way is on both with the log as a whole.
      for (const flags of sampled([[], ['--json']], 2, terminal ? 0 : 1)) {
        const texts: string[] = [];
        // Each record by one of both ways, of which the text for terminals and the JSON are made.
        for (const id of sampled(ids, 2, terminal ? 0 : 1))
          texts.push(await this.candor(['explain', id, ...flags], terminal));
        note(`explain of ids ${flags.join('')}${where}`, texts.join('\n'));
      }
    }
    note('explain log as JSON', await this.candor(['explain', log, '--json']));
    note('explain log by lines', await this.candor(['explain', log, '--json', '--lines']));
    await this.candor(['explain', log, '--html', 'report.html']);
    note('explain log as a page', readFileSync(join(this.folder, 'report.html'), 'utf8'));
    note('metrics', await this.#metrics());
    for (const command of [['show'], ['show', '--json'], ['list', '--json']])
      note(`configuration ${command.join(' ')}`, await this.candor(['configuration', ...command]));
    for (const name of readdirSync(join(this.folder, 'state')))
      if (name.endsWith('.json')) note(`state: ${name}`, readFileSync(join(this.folder, 'state', name), 'utf8'));
    note('terminal', this.#terminal);
  }

  #metrics(): Promise<string> {
    const socket = connect(join(this.folder, 'admin.sock'));
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    // The stream does not end by itself: the admin API notices that the client has left.
    socket.write('GET /metrics HTTP/1.1\r\nHost: candor\r\nConnection: close\r\n\r\n');
    return once(socket, 'close').then(() => text);
  }

  async end(): Promise<void> {
    const running = this.#process;
    if (running !== null && running.exitCode === null && running.signalCode === null) {
      running.kill('SIGTERM');
      const timer = setTimeout(() => running.kill('SIGKILL'), waitMs);
      await once(running, 'close');
      clearTimeout(timer);
    }
    for (const socket of this.#sockets) socket.destroy();
    this.#origin.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface StatusJson {
  readonly listeners?: readonly { readonly address: string }[];
  readonly applications?: readonly {
    readonly id: string;
    readonly instances: readonly { readonly phase: string; readonly last_lines: readonly string[] }[];
  }[];
}

/** YAML does not allow raw control characters. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
