import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findInternals } from './stream-handle.ts';

const methods =
  'useUserBuffer readStart readStop writeBuffer shutdown reset close getpeername getsockname setNoDelay'.split(' ');
const names = ['writeQueueSize', 'onread', ...methods];

/** Such insides as are known, but for what is `missing`. */
function inside(missing: string | null = null): (name: string) => unknown {
  const prototype = Object.fromEntries(names.filter((name) => name !== missing).map((name) => [name, null]));
  const ofStreams = {
    ShutdownWrap: Object,
    streamBaseState: new Int32Array(5),
    kReadBytesOrError: 0,
    kLastWriteErr: 4,
  };
  const known = Object.fromEntries(Object.entries(ofStreams).filter(([name]) => name !== missing));
  return (name) => (name === 'stream_wrap' ? known : { TCP: { prototype } });
}

describe("the handle below Node's sockets", () => {
  it('is used in the version whose internals are known, and in no other', () => {
    assert.notEqual(findInternals('26.4.0', inside()), null);
    for (const version of ['24.9.0', '25.0.0', '27.0.0', '260.0.0', '2.26.0']) {
      assert.equal(findInternals(version, inside()), null, version);
    }
  });

  it('is used only where every member exists', () => {
    for (const name of [...names, 'ShutdownWrap', 'streamBaseState', 'kReadBytesOrError', 'kLastWriteErr']) {
      assert.equal(findInternals('26.4.0', inside(name)), null, name);
    }
  });

  it('is not used where Node does not expose it', () => {
    const kept = (): never => {
      throw Object.assign(new Error('kept'), { code: 'ERR_ACCESS_DENIED' });
    };
    assert.equal(findInternals('26.4.0', kept), null);
    assert.equal(
      findInternals('26.4.0', () => undefined),
      null,
    );
  });
});
