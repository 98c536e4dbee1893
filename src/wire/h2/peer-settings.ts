import { defaultWindowBytes, settingIds } from './protocol.ts';

/** What the peer allows us (RFC 9113 §6.5.2). Settings that are not here are unknown, or change nothing for us. */
export class PeerSettings {
  /** Its first SETTINGS have come. */
  haveCome = false;
  streamsMax = Number.POSITIVE_INFINITY;
  /** RFC 8441 §3. */
  knowsConnect = false;
  /** The window of a new stream. */
  windowBytes = defaultWindowBytes;

  apply(id: number, value: number): void {
    if (id === settingIds.maxConcurrentStreams) this.streamsMax = value;
    else if (id === settingIds.enableConnectProtocol) this.knowsConnect = value === 1;
    else if (id === settingIds.initialWindowSize) this.windowBytes = value;
  }
}
