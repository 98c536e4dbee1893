import type { ConnectionAdmission } from '../../src/downstream/ports.ts';

/** Every client may connect. */
export const openAdmission: ConnectionAdmission = {
  acquire: () => '',
  acquireAddress: () => '',
  handshakeDelayMs: () => 0,
  noteFlood: () => 0,
  noteAbandoned: () => 0,
  delayMs: () => 0,
  hasFlooded: () => false,
  release() {},
  releaseAddress() {},
  tryBeginRefusal: () => null,
  endRefusal() {},
};
