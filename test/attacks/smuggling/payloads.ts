import { chunkExtensions, chunkLines, chunkSizes, trailers } from './chunks.ts';
import { codings, oldVersion } from './codings.ts';
import { expectations, nominations, pauses, pipelined } from './connections.ts';
import { clTe, bodyOrNone, oddLengths, repeatedLengths, teCl } from './lengths.ts';
import { headerBytes, lineEndings, whiteSpace } from './lines.ts';
import type { SmugglingPayload } from './payload.ts';
import { absoluteTargets, hosts, requestLines } from './targets.ts';
import { upgrades } from './upgrades.ts';

/** All payloads, by family. A family is the part of a message that two readers may read differently. */
export const families = {
  'CL.TE': clTe,
  'TE.CL': teCl,
  'TE.TE': codings,
  'CL.0 and 0.CL': bodyOrNone,
  'chunk extensions': chunkExtensions,
  'white space': whiteSpace,
  'line endings': lineEndings,
  'duplicate and list lengths': repeatedLengths,
  'absolute-form versus Host': absoluteTargets,
  pauses,
  'lengths that are none': oddLengths,
  'chunk sizes': chunkSizes,
  'chunk lines': chunkLines,
  'trailer fields': trailers,
  'names and values': headerBytes,
  'request lines and targets': requestLines,
  hosts,
  'HTTP/1.0': oldVersion,
  'nominated fields': nominations,
  expectations,
  'upgrades and h2c': upgrades,
  'pipelined requests': pipelined,
} as const satisfies Readonly<Record<string, readonly SmugglingPayload[]>>;

export const smugglingPayloads: readonly SmugglingPayload[] = Object.values(families).flat();
