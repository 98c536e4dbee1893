import assert from 'node:assert/strict';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { closePassed, readPassed } from './passed-sockets.ts';

const skip = process.platform === 'linux' ? false : 'descriptors are looked at in /proc';

test('a descriptor that is not a socket of this process is not used as a passed socket', { skip }, () => {
  const fd = openSync('/dev/null', 'r');
  assert.deepEqual(readPassed([{ fd, host: '::', port: 80 }]), []);
  closeSync(fd);
  assert.deepEqual(readPassed([{ fd, host: '::', port: 80 }]), []);
});

test('a descriptor number that now belongs to another file is left open', { skip }, () => {
  const fd = openSync('/dev/null', 'r');
  const link = readlinkSync(`/proc/self/fd/${fd}`);
  const passed = { fd, host: '::', port: 80 };
  closePassed([{ ...passed, link: 'socket:[4711]' }]);
  assert.equal(readlinkSync(`/proc/self/fd/${fd}`), link);
  closePassed([{ ...passed, link }]);
  assert.throws(() => closeSync(fd), { code: 'EBADF' });
  closePassed([{ ...passed, link }]);
});
