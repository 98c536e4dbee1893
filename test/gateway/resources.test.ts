// Starts processes: limits, users and isolation are the kernel's, so that only real programs show them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SystemMachine } from '../../src/features/resources/machine.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const machine = new SystemMachine();
const bases = machine.groups();
const groupsWhy = Object.values(bases).flatMap((base) => ('why' in base ? base.why : []))[0];
const mebibyte = 1024 * 1024;

/** Answers with what the program sees of itself, and uses what it is told to. */
const program = `
import http.server, json, os, resource, sys
kept = []
def files():
    opened = 0
    try:
        while opened < 4096:
            kept.append(os.open('/dev/null', os.O_RDONLY)); opened += 1
    except OSError as error: return error.strerror
    return opened
def threads():
    import threading, time
    started = 0
    try:
        while started < 200:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start(); started += 1
    except RuntimeError: return 'refused'
    return started
def write(path):
    try:
        with open(path, 'w') as file: file.write('x')
        return 'written'
    except OSError as error: return error.strerror
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path
        said = {}
        if path == '/self':
            said = { 'uid': os.getuid(), 'gid': os.getgid(), 'groups': os.getgroups(), 'home': os.environ.get('HOME'), 'user': os.environ.get('USER'),
                'nice': os.nice(0), 'files': resource.getrlimit(resource.RLIMIT_NOFILE), 'pid': os.getpid(),
                'groupsOf': open('/proc/self/cgroup').read(), 'status': open('/proc/self/status').read(), 'tmp': sorted(os.listdir('/tmp')) }
        elif path == '/grow': kept.append(bytearray(24 * 1024 * 1024))
        elif path == '/burst':
            for n in range(64): kept.append(bytearray(16 * 1024 * 1024))
        elif path == '/files': said = files()
        elif path == '/threads': said = threads()
        elif path.startswith('/write'): said = write(path[6:])
        elif path.startswith('/list'): said = sorted(os.listdir(path[5:]))
        elif path == '/err': open('/dev/stderr', 'w').write('opened by name\\n')
        elif path == '/exit3': os._exit(3)
        body = json.dumps(said).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
import signal
def stop(*_):
    print('stopped in order', flush=True); os._exit(0)
signal.signal(signal.SIGTERM, stop)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Answer).serve_forever()
`;

interface Seen {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string | null;
  readonly user: string | null;
  readonly nice: number;
  readonly files: readonly [number, number];
  readonly pid: number;
  readonly groupsOf: string;
  readonly status: string;
  readonly tmp: readonly string[];
}

const python = '/usr/bin/python3';

/** An application each, with these settings, at the route of its name. */
async function started(
  applications: Readonly<Record<string, string>>,
  more = '',
): Promise<{ edge: YamlGateway; folder: string; ask: (application: string, path: string) => Promise<unknown> }> {
  const folder = await mkdtemp(join('/var/tmp', 'candor-resources-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'server.py'), program, { mode: 0o644 });
  const written = Object.entries(applications).map(
    ([name, settings]) => `  ${name}:
    command: [${python}, server.py]
    directory: ${folder}
    readiness: { path: /, interval: 50ms, passes: 1 }
    restart: { first_delay: 100ms, max_delay: 200ms }
    outlier_detection: none
    ${settings.trim().replaceAll('\n', '\n    ')}
`,
  );
  const routes = Object.keys(applications).map((name) => `{ path: /${name}, to: ${name}, rewrite: { path: / } }`);
  const edge = await startFromYaml(`
state: ./state
applications:
${written.join('')}routes: [${routes.join(', ')}]
${more}`);
  const ask = async (application: string, path: string): Promise<unknown> =>
    JSON.parse((await edge.get(`/${application}${path}`)).body.toString());
  return { edge, folder, ask };
}

function instancesOf(edge: YamlGateway, application: string) {
  return edge.gateway.status().applications.find(({ id }) => id === application)?.instances ?? [];
}

async function ready(edge: YamlGateway, ...applications: readonly string[]): Promise<void> {
  for (const name of applications)
    await until(`${name} is ready`, () => instancesOf(edge, name).some(({ phase }) => phase === 'ready'), 30_000);
}

/** Folders of control groups that a gateway has made. */
async function groupFolders(): Promise<readonly string[]> {
  const tops = new Set(Object.values(bases).flatMap((base) => ('why' in base ? [] : [base.folder])));
  const found: string[] = [];
  for (const top of tops)
    for (const name of await readdir(top)) if (name.startsWith('candor-')) found.push(join(top, name));
  return found;
}

const needsPython = existsSync(python) ? undefined : `${python} is missing`;

describe('limits of an application', { skip: needsPython ?? groupsWhy ?? false }, () => {
  let running: Awaited<ReturnType<typeof started>>;
  before(async () => {
    running = await started({
      shop: 'limits: { memory: 96MiB, cpu: 0.5, processes: 20, descriptors: 64, nice: 7 }',
    });
    await ready(running.edge, 'shop');
  });
  after(() => running.edge.stop());

  test('the program runs in groups of its own, below one of its application, with what is written', async () => {
    const { ask } = running;
    const seen = (await ask('shop', '/self')) as Seen;
    assert.deepEqual(seen.files, [64, 64]);
    assert.equal(seen.nice, 7);
    assert.match(seen.groupsOf, /\/candor-[0-9a-f]{12}\/app-shop\/shop-1$/m);
    const [top = ''] = await groupFolders();
    assert.ok(top !== '');
    const values = await Promise.all(
      (await groupFolders()).map(async (folder) => {
        const own = join(folder, 'app-shop', 'shop-1');
        const files = ['memory.limit_in_bytes', 'memory.max', 'cpu.cfs_quota_us', 'cpu.max', 'pids.max'];
        return Promise.all(files.map((file) => readFile(join(own, file), 'utf8').catch(() => '')));
      }),
    );
    const all = values.flat().map((value) => value.trim());
    assert.ok(all.includes(String(96 * mebibyte)), all.join(' '));
    assert.ok(all.includes('20'), all.join(' '));
    assert.ok(all.includes('50000') || all.includes('50000 100000'), all.join(' '));
  });

  test('the status says by what each limit is held', () => {
    const [own] = running.edge.gateway.status().resources;
    assert.equal(own?.application, 'shop');
    const held = own?.holdings.map(({ setting, value, by }) => `${setting} ${value} ${by}`);
    assert.match(
      held?.join('; ') ?? '',
      /^memory 96 MiB control group v[12]; cpu 0.5 control group v[12]; processes 20 control group v[12]; descriptors 64 prlimit --nofile; nice 7 nice$/,
    );
  });

  test('no more descriptors and threads than are written can be had', async () => {
    assert.equal(await running.ask('shop', '/files'), 'Too many open files');
    assert.equal(await running.ask('shop', '/threads'), 'refused');
  });

  test('a program above its memory is killed, and the reason names it, its limit and its growth', async () => {
    const { edge, ask } = running;
    edge.gateway.restartInstance(instancesOf(edge, 'shop')[0]?.id ?? '');
    await ready(edge, 'shop');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await ask('shop', '/grow');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const killed = () => edge.eventsOf('instance_exited').find(({ evidence }) => evidence.outOfMemory);
    await edge.get('/shop/burst');
    await until('the end is reported', () => killed() !== undefined, 30_000);
    assert.match(
      killed()?.reason ?? '',
      /^killed by the kernel: out of memory: shop\/\d+ \(python3, process \d+\) had reached 96 MiB, its limit \(limits\.memory\); it had grown from \d+ MiB to \d+ MiB within \d+ s/,
    );
  });

  test('the groups of a program that has ended are removed', async () => {
    const { edge } = running;
    await ready(edge, 'shop');
    const own = new Set(instancesOf(edge, 'shop').map(({ id }) => id.replace('/', '-')));
    await until('only the groups of what runs are left', async () => {
      for (const folder of await groupFolders())
        for (const name of await readdir(join(folder, 'app-shop')).catch(() => []))
          if (name.startsWith('shop-') && !own.has(name.replace(/\.\d+$/, ''))) return false;
      return true;
    });
  });
});

const needsRoot = machine.isRoot ? undefined : 'only root may start programs as another user';
const needsSetpriv = machine.tool('setpriv') === null ? 'setpriv is missing' : undefined;
const sandboxWhy = ['bwrap', 'env', 'setpriv'].find((name) => machine.tool(name as 'bwrap') === null);
const needsSandbox = sandboxWhy === undefined ? (machine.sandboxProblem() ?? undefined) : `${sandboxWhy} is missing`;

describe('the user of an application', { skip: needsPython ?? needsRoot ?? needsSetpriv ?? false }, () => {
  test('the program has the rights of its user alone, its groups and its home', async () => {
    const { edge, ask } = await started({ shop: 'user: www-data' });
    try {
      await ready(edge, 'shop');
      const seen = (await ask('shop', '/self')) as Seen;
      assert.deepEqual([seen.uid, seen.gid, seen.groups], [33, 33, [33]]);
      assert.deepEqual([seen.home, seen.user], ['/var/www', 'www-data']);
      assert.match(seen.status, /^CapEff:\t0+$/m);
      assert.equal(await ask('shop', '/write/etc/candor-test'), 'Permission denied');
      await ask('shop', '/err');
    } finally {
      await edge.stop();
    }
  });

  test('a folder on the way that the user may not pass is named, and nothing is started', async () => {
    const { edge, folder } = await started({ shop: 'user: nobody' });
    try {
      await ready(edge, 'shop');
      await chmod(folder, 0o700);
      edge.gateway.restartInstance('shop/1');
      const failed = () => edge.eventsOf('instance_not_started').at(-1);
      await until('it is not started', () => failed() !== undefined);
      const reason = `the user nobody may not read ${folder} (mode 0700)`;
      assert.ok(failed()?.reason.includes(reason), failed()?.reason ?? '');
    } finally {
      await edge.stop();
    }
  });
});

describe('strict isolation', { skip: needsPython ?? needsRoot ?? needsSandbox ?? false }, () => {
  let running: Awaited<ReturnType<typeof started>>;
  before(async () => {
    await writeFile('/tmp/candor-seen-by-others', '');
    running = await started({
      shop: 'user: nobody\nisolation: strict\nlimits: { processes: 30 }',
      other: 'isolation: strict',
    });
    await chmod(running.folder, 0o777);
    await ready(running.edge, 'shop', 'other');
  });
  after(async () => {
    await running.edge.stop();
    await rm('/tmp/candor-seen-by-others');
  });

  test('it writes in its directory and in a /tmp of its own, and nowhere else', async () => {
    const { ask, folder, edge } = running;
    for (const name of ['shop', 'other']) {
      assert.equal(await ask(name, '/write/etc/candor-test'), 'Read-only file system');
      assert.equal(await ask(name, '/write/usr/candor-test'), 'Read-only file system');
      assert.equal(await ask(name, `/write${folder}/made-by-${name}`), 'written');
      assert.deepEqual(((await ask(name, '/self')) as Seen).tmp.includes('candor-seen-by-others'), false);
      assert.equal(await ask(name, `/write/tmp/of-${name}`), 'written');
    }
    assert.deepEqual(await ask('other', '/list/tmp'), await namesInTmp(['of-other'], edge.folder));
    assert.equal(existsSync('/tmp/of-other'), false);
    assert.deepEqual(await ask('other', `/list${edge.folder}/state`).catch(() => 'gone'), []);
  });

  test('it has no right of root, gains none, and sees no process but its own', async () => {
    for (const name of ['shop', 'other']) {
      const seen = (await running.ask(name, '/self')) as Seen;
      assert.match(seen.status, /^CapBnd:\t0+$/m, name);
      assert.match(seen.status, /^NoNewPrivs:\t1$/m);
      const processes = ((await running.ask(name, '/list/proc')) as string[]).filter((one) => /^\d+$/.test(one));
      assert.ok(processes.length <= 3, processes.join(' '));
    }
  });

  test('its exit code passes unchanged, and SIGTERM lets it end in order', async () => {
    const { edge } = running;
    await edge.get('/other/exit3').catch(() => {});
    const exited = () =>
      edge.eventsOf('instance_exited').filter(({ subject }) => subject.startsWith('instance:other/'));
    await until('its exit is reported', () => exited().length > 0);
    assert.equal(exited()[0]?.evidence.code, 3);
    await ready(edge, 'other');
    const before = exited().length;
    edge.gateway.restartInstance(instancesOf(edge, 'other')[0]?.id ?? '');
    await until('it has been replaced', () => exited().length > before);
    const last = exited().at(-1);
    assert.equal(last?.evidence.code, 0);
    assert.ok(last?.evidence.output.includes('stopped in order'), JSON.stringify(last?.evidence));
  });
});

/** The folder of the gateway lies in /tmp here, and is empty for the program. */
async function namesInTmp(own: readonly string[], folder: string): Promise<readonly string[]> {
  return [...own, ...(folder.startsWith('/tmp/') ? [folder.slice('/tmp/'.length)] : [])].toSorted();
}

describe('a release of an application with a user', { skip: needsPython ?? needsRoot ?? needsSandbox ?? false }, () => {
  for (const isolation of ['none', 'strict'])
    test(`is built, started and keeps what it writes as that user (isolation: ${isolation})`, async () => {
      const { edge, folder } = await started({
        shop: `user: www-data
isolation: ${isolation}
limits: { memory: 128MiB, processes: 40 }
releases: { bake: 100ms, build: "id -un > built-as; cat /proc/self/cgroup >> built-as", persistent: [uploads, data] }`,
      });
      try {
        await ready(edge, 'shop');
        await chmod(edge.folder, 0o711);
        // What is there before is the operator's, and stays where it is; the rest belongs to the user of the application.
        await mkdir(join(folder, 'uploads'));
        await chown(join(folder, 'uploads'), 33, 33);
        const source = join(edge.folder, 'source');
        await mkdir(join(source, 'data'), { recursive: true });
        await writeFile(join(source, 'server.py'), program);
        const from = { kind: 'folder', path: source } as const;
        const made = await edge.gateway.deploy({ application: 'shop', from, name: null, strategy: null }, 'the test');
        assert.ok(made.ok, JSON.stringify(made));
        await until('the rollout has ended', () => edge.gateway.releases()[0]?.last?.id === made.value.id, 30_000);
        assert.equal(
          edge.gateway.releases()[0]?.last?.state,
          'promoted',
          JSON.stringify(edge.gateway.releases()[0]?.last),
        );
        const ask = async (path: string): Promise<unknown> =>
          JSON.parse((await edge.get(`/shop${path}`)).body.toString());
        assert.equal(((await ask('/self')) as Seen).uid, 33);
        const tree = instancesOf(edge, 'shop').find(({ release }) => release === 'r2')?.pid;
        const directory = await readlink(`/proc/${await programOf(tree ?? 0)}/cwd`);
        assert.match(directory, /state\/releases\/shop\//);
        for (const name of ['uploads', 'data']) assert.equal(await ask(`/write${directory}/${name}/kept`), 'written');
        assert.ok(existsSync(join(folder, 'uploads', 'kept')));
        const into = await ask(`/write${directory}/other`);
        assert.ok(into === 'Permission denied' || into === 'Read-only file system', String(into));
        const built = await readFile(
          join(edge.folder, 'state', 'releases', 'shop', basename(directory), 'built-as'),
          'utf8',
        );
        assert.match(built, /^www-data\n/);
        assert.match(built, /\/candor-[0-9a-f]+\/app-shop\/shop build/);
      } finally {
        await edge.stop();
      }
    });

  /** The last of the processes that lead to it. */
  async function programOf(pid: number): Promise<number> {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const [child] = children.trim().split(' ').filter(Boolean).map(Number);
    return child === undefined ? pid : programOf(child);
  }
});
