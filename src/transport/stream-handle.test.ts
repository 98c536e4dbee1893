import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findInternals } from './stream-handle.ts';
import { findTlsInternals } from './tls-internals.ts';

const handleMembers = [
  ...[
    'writeQueueSize',
    'onread',
    'useUserBuffer',
    'readStart',
    'readStop',
    'writeBuffer',
    'shutdown',
    'reset',
    'close',
  ],
  ...['getpeername', 'getsockname', 'setNoDelay', 'connect', 'connect6'],
];
const requestTypes = ['TCPConnectWrap', 'PipeConnectWrap'];
const streamMembers = ['ShutdownWrap', 'streamBaseState', 'kReadBytesOrError', 'kLastWriteErr'];

/** Such insides as are known, but for what is `missing`. */
function inside(missing: string | null = null): (name: string) => unknown {
  const prototype = Object.fromEntries(handleMembers.filter((name) => name !== missing).map((name) => [name, null]));
  const values = [Object, new Int32Array(5), 0, 4];
  const known = streamMembers.map((name, at) => [name, values[at]] as const).filter(([name]) => name !== missing);
  const requests = Object.fromEntries(requestTypes.filter((name) => name !== missing).map((name) => [name, Object]));
  return (name) =>
    name === 'stream_wrap' ? Object.fromEntries(known) : { TCP: { prototype }, Pipe: { prototype }, ...requests };
}

describe("the internals of Node's connections", () => {
  it('are those that are known, or a sentence says which Node to use', () => {
    assert.doesNotThrow(() => findInternals(inside()));
    const needsNode26 = /^Candor needs Node 26: this is Node v\d.*`npm install node@26` beside Candor$/;
    for (const name of [...handleMembers, ...streamMembers, ...requestTypes])
      assert.throws(() => findInternals(inside(name)), { message: needsNode26 }, name);
    for (const found of [undefined, {}, { wrap: Object, TLSWrap: Object }]) {
      assert.throws(() => findInternals(() => found), { message: needsNode26 });
      assert.throws(() => findTlsInternals(() => found), { message: needsNode26 });
    }
  });

  it('are missed in a sentence where Node keeps them from programs', () => {
    const kept = (): never => {
      throw Object.assign(new Error('Access is restricted'), { code: 'ERR_ACCESS_DENIED' });
    };
    assert.throws(() => findInternals(kept), {
      message: 'Candor needs Node 26 without restrictions: it does not show its stream_wrap (Access is restricted)',
    });
  });
});
