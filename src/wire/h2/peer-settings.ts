import { defaultWindowBytes, settingIds, clientPreface } from './protocol.ts';
import { h2Limits } from './limits.ts';
import type { Http2SessionSettings } from './session-owner.ts';
import type { SessionSender } from './session-sender.ts';

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

/** Composes the first frames of a connection (RFC 9113 §3.4): a client's preface, SETTINGS, and the window of the connection. */
export function beginSession(sender: SessionSender, { role, sectionLimits }: Http2SessionSettings): void {
  const { writer } = sender;
  const ofBoth = [
    [settingIds.initialWindowSize, h2Limits.firstWindowBytes],
    [settingIds.maxHeaderListSize, sectionLimits.listBytesMax],
  ] as const;
  if (role === 'client') {
    writer.text(clientPreface);
    writer.settings([[settingIds.enablePush, 0], ...ofBoth]);
  } else {
    const streams = [settingIds.maxConcurrentStreams, h2Limits.streamsMax] as const;
    writer.settings([streams, ...ofBoth, [settingIds.enableConnectProtocol, 1]]);
  }
  writer.windowUpdate(0, h2Limits.connectionWindowBytes - defaultWindowBytes);
  sender.touch();
}
