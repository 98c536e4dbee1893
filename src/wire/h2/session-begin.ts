import { h2Limits } from './limits.ts';
import { clientPreface, defaultWindowBytes, settingIds } from './protocol.ts';
import type { Http2SessionSettings } from './session-owner.ts';
import type { SessionSender } from './session-sender.ts';

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
