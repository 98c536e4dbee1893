// Starts processes: other users, and a process with few descriptors, ask the socket.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { listenAtSocket } from '../../src/admin/admin-socket.ts';
import { findUntrusted } from '../../src/deploy/private-folder.ts';
import { privateFolder } from '../../src/cli/runtime-folder.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';

/** Another user; no user of this machine needs to have this id. */
const stranger = 54_321;
const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can act as another user' };

let folder: string;
let admins: AdminServer[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-socket-'));
  // A user who cannot enter the folder would prove nothing about the file.
  chmodSync(folder, 0o755);
  admins = [];
});

afterEach(async () => {
  for (const admin of admins) await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(path: string): Promise<AdminServer> {
  const admin = await startAdminServer({
    gateway: new FakeGateway(),
    spec: socketAlone(path),
    clock: new SimulatedClock(),
  });
  admins.push(admin);
  return admin;
}

/** The result of another user's attempt to connect to a socket: 'connected' or an errno. */
function tryAs(uid: number, path: string): string {
  const script = `require('net').connect(process.argv[1])
    .on('connect', function () { console.log('connected'); this.destroy(); })
    .on('error', (error) => console.log(error.code))`;
  const ran = spawnSync(process.execPath, ['-e', script, path], { uid, gid: uid, encoding: 'utf8' });
  return ran.stdout.trim();
}

/** Uses up all descriptors except `left`, and returns the result of the attempt to open the admin socket. */
const startWithFew = `
const { openSync, closeSync } = await import('node:fs');
const { stat } = await import('node:fs/promises');
const { createServer } = await import('node:http');
const { listenAtSocket } = await import(process.argv[1]);
const { socketRefusalText } = await import(process.argv[2]);
const [path, left] = [process.argv[3], Number(process.argv[4])];
process.stdout.write('');
const held = [];
const useUp = () => { try { for (;;) held.push(openSync('/dev/null')); } catch {} };
useUp();
// What threads of libuv still do for the loader may close a descriptor: all of them have had their turn then.
await Promise.all(Array.from({ length: 8 }, () => stat('/')));
useUp();
for (const descriptor of held.splice(0, left)) closeSync(descriptor);
const server = createServer();
const made = await listenAtSocket(server, path, false);
for (const descriptor of held) closeSync(descriptor);
console.log('why' in made ? socketRefusalText(path, made) : 'made');
server.close();
`;

describe('the file of the admin socket', () => {
  for (const left of [0, 1]) {
    it(`that cannot be created with ${left} descriptors left: the error says that too many files are open, and what to do`, () => {
      const path = join(folder, 'few.sock');
      const modules = ['admin-socket', 'admin-socket-check'].map((name) =>
        join(import.meta.dirname, `../../src/admin/${name}.ts`),
      );
      const script = [process.execPath, '--input-type=module', '-e', startWithFew, ...modules, path, String(left)];
      const ran = spawnSync('sh', ['-c', 'ulimit -n 128; exec "$@"', 'sh', ...script], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      const tooMany =
        `The admin socket ${path} cannot be created: too many open files (EMFILE). ` +
        'Set LimitNOFILE=4096 in the unit of the gateway (`ulimit -n 4096` in the shell that starts it).';
      // One descriptor is enough to create the socket itself.
      assert.equal(ran.stdout.trim(), left === 0 ? tooMany : 'made', ran.stderr);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('.')),
        [],
        'no file is left over',
      );
    });
  }

  for (const mask of [0, 0o022, 0o077, 0o177, 0o777]) {
    it(`has mode 0600 from its first moment under the umask ${mask.toString(8)}`, async () => {
      const before = process.umask(mask);
      const server = createServer();
      const modes: number[] = [];
      const places: string[] = [];
      const listen = server.listen.bind(server) as (options: { path: string }, then: () => void) => Server;
      // Looks at the file within the call that creates it, before anything else can happen.
      server.listen = ((options: { path: string }, then: () => void) => {
        const listening = listen(options, then);
        modes.push(statSync(options.path).mode & 0o777);
        places.push(dirname(dirname(options.path)));
        return listening;
      }) as Server['listen'];
      try {
        // Root can create folders under any umask; another user could not enter its own.
        const made = await listenAtSocket(server, join(folder, 'a.sock'), false);
        assert.ok(!('why' in made), JSON.stringify(made));
        assert.deepEqual(modes, [0o600]);
        // Only root may write to the folder above that of a service.
        assert.deepEqual(places, [folder]);
        assert.equal(process.umask(), mask);
        assert.equal(statSync(join(folder, 'a.sock')).mode & 0o777, 0o600);
      } finally {
        process.umask(before);
        server.close();
      }
    });
  }

  it('is the only file left in its folder', async () => {
    await open(join(folder, 'a.sock'));
    assert.deepEqual(readdirSync(folder), ['a.sock']);
  });

  it('refuses every other user', asRoot, async () => {
    await open(join(folder, 'a.sock'));
    assert.equal(tryAs(0, join(folder, 'a.sock')), 'connected');
    assert.equal(tryAs(stranger, join(folder, 'a.sock')), 'EACCES');
  });

  it('refuses other users while it is created, however often they try', asRoot, async () => {
    // Looks into the folder and every folder in it, and tries each socket that it finds.
    const script = `
      const { readdirSync } = require('fs'), { connect } = require('net'), { join } = require('path');
      const folder = process.argv[1];
      let tries = 0, connected = 0;
      const list = (at) => { try { return readdirSync(at); } catch { return []; } };
      const attempt = (path) => new Promise((done) => connect(path).on('connect', function () { connected++; this.destroy(); done(); }).on('error', done));
      (async () => {
        process.stdout.write('ready ');
        let ending = false;
        process.stdin.on('end', () => { ending = true; }).resume();
        while (!ending) {
          for (const name of list(folder)) for (const path of [join(folder, name), join(folder, name, 's')]) { tries++; await attempt(path); }
          await new Promise(setImmediate);
        }
        console.log(tries > 0, connected);
      })();`;
    const watcher = spawn(process.execPath, ['-e', script, folder], {
      uid: stranger,
      gid: stranger,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(watcher.stdout, 'data');
    const before = process.umask(0);
    try {
      for (let time = 0; time < 100; time++) {
        const admin = await open(join(folder, `${time}.sock`));
        await admin.close();
      }
      // The other user must have seen at least one socket, or the test proves nothing.
      await open(join(folder, 'last.sock'));
    } finally {
      process.umask(before);
    }
    while (watcher.exitCode === null) {
      watcher.stdin.end();
      await once(watcher, 'close');
    }
    assert.equal(said.trim(), 'ready true 0');
  });

  it('is not removed if another file has replaced it', async () => {
    const first = await open(join(folder, 'a.sock'));
    const second = await startAdminServer({
      gateway: new FakeGateway(),
      spec: socketAlone(join(folder, 'a.sock')),
      clock: new SimulatedClock(),
      predecessor: first,
    });
    admins.push(second);
    await first.close();
    assert.ok(lstatSync(join(folder, 'a.sock')).isSocket());
    await second.close();
    assert.equal(existsSync(join(folder, 'a.sock')), false);
  });
});

describe('the folder of the admin socket', () => {
  it('is accessible to its owner only if the gateway creates it, under any umask', async () => {
    const before = process.umask(0);
    try {
      await open(join(folder, 'new', 'deep', 'a.sock'));
    } finally {
      process.umask(before);
    }
    for (const name of ['new', 'new/deep']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o700);
  });

  it('may be world-writable if it is sticky, so that no user can rename the files of another', async () => {
    mkdirSync(join(folder, 'tmp'));
    chmodSync(join(folder, 'tmp'), 0o1777);
    await open(join(folder, 'tmp', 'a.sock'));
  });

  const hostile: [what: string, make: (at: string) => string, says: RegExp][] = [
    [
      'belongs to another user',
      (at) => {
        mkdirSync(at);
        chownSync(at, stranger, stranger);
        return at;
      },
      /belongs to another user/,
    ],
    [
      'lies in a folder of another user',
      (at) => {
        mkdirSync(join(at, 'ours'), { recursive: true });
        chownSync(at, stranger, stranger);
        return join(at, 'ours');
      },
      /belongs to another user/,
    ],
    [
      'is behind a link of another user, although it leads to ours',
      (at) => {
        mkdirSync(join(folder, 'ours'));
        symlinkSync(join(folder, 'ours'), at);
        lchownSync(at, stranger, stranger);
        return at;
      },
      /belongs to another user/,
    ],
    [
      'is behind a link of ours to a folder of another user',
      (at) => {
        mkdirSync(join(folder, 'theirs'));
        chownSync(join(folder, 'theirs'), stranger, stranger);
        symlinkSync('theirs', at);
        return at;
      },
      /belongs to another user/,
    ],
    [
      'is one in which every user may rename',
      (at) => {
        mkdirSync(at);
        chmodSync(at, 0o777);
        return at;
      },
      /every user may rename/,
    ],
    [
      'lies in one in which every user may rename',
      (at) => {
        mkdirSync(join(at, 'ours'), { recursive: true });
        chmodSync(at, 0o777);
        return join(at, 'ours');
      },
      /every user may rename/,
    ],
  ];
  for (const [what, make, says] of hostile) {
    it(`is refused if it ${what}, and no file is created there`, asRoot, async () => {
      const at = make(join(folder, 'at'));
      await assert.rejects(open(join(at, 'a.sock')), says);
      assert.deepEqual(readdirSync(at), []);
    });
  }

  it('is another one if another user has created the usual folder of a command before', asRoot, () => {
    const usual = join(folder, `candor-${process.getuid?.()}`);
    assert.equal(privateFolder({ TMPDIR: folder }), usual);
    rmSync(usual, { recursive: true });
    mkdirSync(usual);
    chownSync(usual, stranger, stranger);
    assert.equal(privateFolder({ TMPDIR: folder }), null);
    assert.equal(privateFolder({ TMPDIR: folder, XDG_RUNTIME_DIR: folder }), join(folder, 'candor'));
  });

  it("may be behind a symbolic link of the gateway's user", async () => {
    mkdirSync(join(folder, 'ours'));
    symlinkSync('ours', join(folder, 'link'));
    await open(join(folder, 'link', 'a.sock'));
    assert.ok(lstatSync(join(folder, 'ours', 'a.sock')).isSocket());
  });

  it('that is a link to itself is a system error, not an endless loop', async () => {
    symlinkSync('loop', join(folder, 'loop'));
    assert.deepEqual(findUntrusted(join(folder, 'loop'), process.getuid?.() ?? 0)?.why, 'foreign');
    await assert.rejects(open(join(folder, 'loop', 'a.sock')), /ELOOP|ENOENT|EEXIST/);
  });
});

describe('the path of the socket', () => {
  it('is left as it is if it is a symbolic link, wherever the link leads', async () => {
    writeFileSync(join(folder, 'precious'), 'keep me');
    symlinkSync('precious', join(folder, 'a.sock'));
    await assert.rejects(open(join(folder, 'a.sock')), /not a socket has that name/);
    assert.equal(statSync(join(folder, 'precious')).size, 7);
  });
});
