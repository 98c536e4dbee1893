import { z } from 'zod';
import { type OverlayEntry, overlayIdOf, type OverlaySetting, weightMax } from '../core/overlay.ts';
import { jsonOf } from '../record/json-text.ts';

/** The format of `overlay.json`. A file of another version is not read. */
const overlayFileVersion = 1;

/** A file that Candor wrote is smaller, even with the maximum of entries. */
export const overlayBytesMax = 16 * 1024 * 1024;

/** An overlay with more entries should be part of the configuration. */
export const overlayEntriesMax = 1000;

export interface OverlayContent {
  readonly revision: number;
  readonly entries: readonly OverlayEntry[];
}

const name = z.string().min(1).max(1024);
const origin = { revision: z.int().min(1), at: z.iso.datetime(), actor: z.string() };

const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('maintenance'),
    route: name.nullable(),
    message: z.string().max(4096),
    retry_after_s: z.int().min(1),
    ...origin,
  }),
  z.strictObject({
    kind: z.literal('pause'),
    scope: z.enum(['route', 'upstream']),
    target: name,
    wait_ms: z.int().min(1),
    waiters_max: z.int().min(1),
    ...origin,
  }),
  z.strictObject({ kind: z.literal('weight'), endpoint: name, weight: z.int().min(0).max(weightMax), ...origin }),
  z.strictObject({ kind: z.literal('drain'), endpoint: name, ...origin }),
]);

const fileSchema = z.strictObject({
  version: z.literal(overlayFileVersion),
  revision: z.int().min(0),
  entries: z.array(entrySchema).max(overlayEntriesMax),
});

type FileEntry = z.infer<typeof entrySchema>;

export function writeOverlay({ revision, entries }: OverlayContent): string {
  return `${jsonOf({ version: overlayFileVersion, revision, entries: entries.map(toFile) })}\n`;
}

/** `why`: a sentence whose subject, "it", is the file. */
export function readOverlay(text: string): OverlayContent | { readonly why: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { why: 'it is damaged: it is not JSON' };
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== overlayFileVersion) {
    return { why: `it has version ${version}, but this program reads version ${overlayFileVersion}` };
  }
  const read = fileSchema.safeParse(json);
  if (!read.success) return { why: `it is damaged: ${issueText(read.error)}` };
  const entries = read.data.entries.map(fromFile);
  const ids = new Set(entries.map(({ setting }) => overlayIdOf(setting)));
  if (ids.size !== entries.length) return { why: 'it is damaged: two entries have the same target and kind' };
  return { revision: read.data.revision, entries };
}

function issueText({ issues }: z.ZodError): string {
  const [issue] = issues;
  const path = issue?.path.join('.') ?? '';
  return path === '' ? 'its form is wrong' : `${path} is wrong`;
}

function toFile({ setting, revision, at, actor }: OverlayEntry): FileEntry {
  const source = { revision, at, actor };
  switch (setting.kind) {
    case 'maintenance': {
      const { kind, route, message, retryAfterS } = setting;
      return { kind, route, message, retry_after_s: retryAfterS, ...source };
    }
    case 'pause': {
      const { kind, scope, target, waitMs, waitersMax } = setting;
      return { kind, scope, target, wait_ms: waitMs, waiters_max: waitersMax, ...source };
    }
    case 'weight':
    case 'drain':
      return { ...setting, ...source };
  }
}

function fromFile(entry: FileEntry): OverlayEntry {
  const { revision, at, actor } = entry;
  return { setting: settingOf(entry), revision, at, actor };
}

function settingOf(entry: FileEntry): OverlaySetting {
  switch (entry.kind) {
    case 'maintenance': {
      const { kind, route, message, retry_after_s: retryAfterS } = entry;
      return { kind, route, message, retryAfterS };
    }
    case 'pause': {
      const { kind, scope, target, wait_ms: waitMs, waiters_max: waitersMax } = entry;
      return { kind, scope, target, waitMs, waitersMax };
    }
    case 'weight':
      return { kind: entry.kind, endpoint: entry.endpoint, weight: entry.weight };
    case 'drain':
      return { kind: entry.kind, endpoint: entry.endpoint };
  }
}
