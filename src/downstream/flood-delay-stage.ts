import { DelayedConnection } from './delayed-connection.ts';
import type { PrefaceConnection, PrefaceStage } from './preface-stage.ts';

/** Lets a connection wait whose address has flooded before: nothing of it is read, and no handshake begins. */
export const floodDelayStage: PrefaceStage = {
  rule: 'request-line',
  bytesMax: 0,
  read(connection, bytes, start, end) {
    const delayMs = connection.admitAfterMs();
    if (delayMs === 0) return 0;
    const first = bytes.subarray(start, end);
    new DelayedConnection(connection, first, (all) => goOn(connection, all)).start(delayMs);
    return 'taken';
  },
};

function goOn(connection: PrefaceConnection, bytes: Uint8Array): void {
  const { transport } = connection;
  connection.continueOn(transport);
  // First: an engine that has enough for now pauses in `onBytes`.
  transport.resume();
  transport.listener.onBytes(bytes, 0, bytes.length);
}
