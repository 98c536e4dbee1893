import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

describe('the admin socket', () => {
  const gateway = new FakeGateway();
  let folder: string;
  let socketPath: string;
  let admin: Admin;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'candor-admin-'));
    socketPath = join(folder, 'a.sock');
    admin = await startAdmin({ gateway, spec: socketAlone(socketPath), clock: new SimulatedClock() });
  });

  after(async () => {
    await admin.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [target, status] of [
    ['//', 404],
    ['//evil.example/v1/status', 404],
    ['http://[', 400],
    ['http://other/v1/nothing', 404],
    ['/v1/exchanges/%zz', 404],
    ['/v1/exchanges/..%2f..', 404],
    ['/v1/exchanges/__proto__', 404],
    ['/v1/status/../reload', 405],
    ['/v1/reload', 405],
  ] as const) {
    it(`answers ${status} to GET ${target}: it is nobody's defect, and changes nothing`, async () => {
      const line = await firstLine(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assert.match(line, new RegExp(`^HTTP/1.1 ${status} `));
    });
  }

  async function firstLine(octets: string): Promise<string> {
    const socket = connect(socketPath);
    socket.write(octets);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString('latin1').split('\r\n')[0] ?? '';
  }
});
