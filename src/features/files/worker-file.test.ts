import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { localSemaphoreSource } from '../../core/local-semaphore.ts';
import { PoolClasses } from '../../core/pool-classes.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { Disk, type FileCalls, hasMountBelow, systemCalls } from './worker-disk.ts';
import { Root } from './worker-file.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'candor-root-')));
for (const release of ['one', 'two']) {
  mkdirSync(join(folder, release));
  writeFileSync(join(folder, release, 'a.txt'), release);
  symlinkSync('/proc/self/status', join(folder, release, 'other-device'));
}
after(() => rmSync(folder, { recursive: true }));

function lead(release: string): void {
  symlinkSync(release, join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'current'));
}

class DiskUnderTest extends Disk {
  readonly devices: number[] = [];

  constructor(calls: Partial<FileCalls> = {}) {
    const source = (index: number, onFree: () => void) => localSemaphoreSource.pool(index, onFree);
    super(new PoolClasses(source, 4, new SimulatedClock()), { ...systemCalls, ...calls });
  }

  override noteDevice(device: number): void {
    this.devices.push(device);
  }
}

describe('the folder of a route', () => {
  it('serves what was opened before its link led elsewhere', async () => {
    lead('one');
    let isFirstOpen = true;
    const disk = new DiskUnderTest({
      async open(path) {
        const fd = await systemCalls.open(path);
        if (!isFirstOpen) return fd;
        isFirstOpen = false;
        lead('two');
        await openAndClose();
        return fd;
      },
    });
    const root = new Root(join(folder, 'current'), disk, null);
    async function openAndClose(): Promise<string> {
      const opened = await root.open('a.txt');
      if (typeof opened === 'string') return opened;
      disk.close(opened.fd, true);
      return 'opened';
    }
    isFirstOpen = false;
    assert.equal(await openAndClose(), 'opened');
    isFirstOpen = true;
    assert.equal(await openAndClose(), 'opened');
  });

  it('takes the device of no file outside for its own', async () => {
    lead('one');
    const disk = new DiskUnderTest();
    const root = new Root(join(folder, 'current'), disk, null);
    assert.equal(await root.open('other-device'), 'outside');
    assert.deepEqual(disk.devices, []);
    const opened = await root.open('a.txt');
    assert.ok(typeof opened === 'object');
    assert.equal(await root.open('other-device'), 'outside');
    assert.deepEqual(disk.devices, [opened.facts.device]);
    disk.close(opened.fd, true);
  });
});

describe('a disk that is mounted within a folder', () => {
  const mounts = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '23 22 0:50 / /srv/site/media rw - nfs4 nas:/media rw',
    String.raw`24 22 0:51 / /srv/a\040b/c rw - fuse.sshfs host: rw`,
    '',
  ].join('\n');
  const table: [path: string, expected: boolean][] = [
    ['/', true],
    ['/srv', true],
    ['/srv/site', true],
    ['/srv/site/media', false],
    ['/srv/site/med', false],
    ['/srv/a b', true],
    ['/home', false],
  ];
  for (const [path, expected] of table)
    it(`${expected ? 'is found' : 'is none'} below ${path}`, () => assert.equal(hasMountBelow(mounts, path), expected));

  it('makes the folder none of which facts are asked without a thread', async () => {
    assert.equal(await systemCalls.isLocal('/'), false); // /proc lies below.
  });
});
