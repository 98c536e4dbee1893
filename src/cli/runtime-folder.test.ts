import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { socketsIn } from './runtime-folder.ts';

const { uid } = userInfo();
const service = 4711;

describe('sockets in a folder', () => {
  let above: string;
  let folder: string;
  let server: Server;

  before(async () => {
    above = mkdtempSync(join(tmpdir(), 'candor-runtime-'));
    folder = join(above, 'candor');
    mkdirSync(folder, { mode: 0o755 });
    server = createServer().listen(join(folder, 'shop.sock'));
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    rmSync(above, { recursive: true, force: true });
  });

  const none: readonly string[] = [];

  test('in a folder of this user are asked, each once', () => {
    assert.deepEqual(socketsIn([folder, folder], uid), { paths: [join(folder, 'shop.sock')], skipped: none });
  });

  test('in a folder of another user are not asked, and the reason names that user', () => {
    const { paths, skipped: reasons } = socketsIn([folder, join(above, 'nothing')], uid + 1);
    assert.deepEqual(paths, none);
    assert.deepEqual(reasons, [
      `${folder} belongs to ${userInfo().username}: run the command as that user or as root.`,
    ]);
  });

  test('of a service are asked by root, unless other users may write to their folder or to its parent', {
    skip: uid !== 0,
  }, () => {
    chownSync(folder, service, service);
    assert.deepEqual(socketsIn([folder], 0), { paths: [join(folder, 'shop.sock')], skipped: none });
    for (const [path, open, closed] of [
      [folder, 0o777, 0o755],
      [above, 0o1777, 0o700],
    ] as const) {
      chmodSync(path, open);
      const { paths, skipped: reasons } = socketsIn([folder], 0);
      assert.deepEqual(paths, none);
      assert.match(reasons.join(), /belongs to user 4711, and other users can write there: .*--socket/);
      chmodSync(path, closed);
    }
  });
});
