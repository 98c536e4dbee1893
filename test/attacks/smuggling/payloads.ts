import { chunkExtensions, chunkLines, chunkSizes, trailers } from './chunks.ts';
import { codings, oldVersion } from './codings.ts';
import { changes, nominations, pauses, pipelined } from './connections.ts';
import { contentOrNone, lengths, together } from './lengths.ts';
import { lines } from './lines.ts';
import type { SmugglingPayload } from './payload.ts';
import { hosts, requestLines } from './targets.ts';

/** All payloads, by family. A family is what two readers differ in. */
export const families: Readonly<Record<string, readonly SmugglingPayload[]>> = {
  'CL.TE and TE.CL': together,
  'CL.CL and lengths that are none': lengths,
  'CL.0 and 0.CL': contentOrNone,
  'TE.TE': codings,
  'HTTP/1.0': oldVersion,
  'chunk sizes': chunkSizes,
  'chunk lines': chunkLines,
  'chunk extensions': chunkExtensions,
  'trailer fields': trailers,
  'lines and white space': lines,
  'request lines and targets': requestLines,
  'hosts and absolute targets': hosts,
  'nominated fields': nominations,
  'Expect and Upgrade': changes,
  'pipelined requests': pipelined,
  pauses,
};

export const smugglingPayloads: readonly SmugglingPayload[] = Object.values(families).flat();
