import { instancesMax, type OverlayEntry, overlayIdOf, type OverlaySetting, weightMax } from '../core/overlay.ts';
import { parseNetwork } from '../schema/format/network.ts';
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

/** An entry as the file has it. */
type FileEntry = { readonly revision: number; readonly at: string; readonly actor: string } & (
  | {
      readonly kind: 'maintenance';
      readonly route: string | null;
      readonly message: string;
      readonly retry_after_s: number;
      readonly host?: string;
      readonly since?: string;
      readonly until?: string;
      readonly allow?: readonly string[];
      readonly pass?: string;
    }
  | {
      readonly kind: 'pause';
      readonly scope: 'route' | 'upstream';
      readonly target: string;
      readonly wait_ms: number;
      readonly waiters_max: number;
      readonly until?: string;
    }
  | { readonly kind: 'weight'; readonly endpoint: string; readonly weight: number }
  | { readonly kind: 'drain'; readonly endpoint: string }
  | { readonly kind: 'eject'; readonly endpoint: string; readonly until: string | null; readonly why: string }
  | { readonly kind: 'scale'; readonly application: string; readonly instances: number }
  | { readonly kind: 'stop'; readonly application: string }
);

type Check = (value: unknown) => boolean;
type Checks = Readonly<Record<string, Check>>;

const isText =
  (lengthMin: number, lengthMax: number): Check =>
  (value) =>
    typeof value === 'string' && value.length >= lengthMin && value.length <= lengthMax;
const isWhole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
const isTime: Check = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));
const isName = isText(1, 1024);
const isNetwork: Check = (value) => typeof value === 'string' && parseNetwork(value).ok;

const origin: Checks = { revision: isWhole(1), at: isTime, actor: isText(0, Infinity) };

/** The keys of an entry besides `kind`: each must be there, and no other but `optionalChecks`. Checked without a schema, whose package would be a tenth of the main thread (ADR 4). */
const entryChecks: Readonly<Record<FileEntry['kind'], Checks>> = {
  maintenance: {
    route: (value) => value === null || isName(value),
    message: isText(0, 4096),
    retry_after_s: isWhole(1),
    ...origin,
  },
  pause: {
    scope: (value) => value === 'route' || value === 'upstream',
    target: isName,
    wait_ms: isWhole(1),
    waiters_max: isWhole(1),
    ...origin,
  },
  weight: { endpoint: isName, weight: isWhole(0, weightMax), ...origin },
  drain: { endpoint: isName, ...origin },
  eject: { endpoint: isName, until: (value) => value === null || isTime(value), why: isText(0, 1024), ...origin },
  scale: { application: isName, instances: isWhole(1, instancesMax), ...origin },
  stop: { application: isName, ...origin },
};

/** Keys that an entry may have besides. */
const optionalChecks: Partial<Readonly<Record<FileEntry['kind'], Checks>>> = {
  maintenance: {
    host: isName,
    since: isTime,
    until: isTime,
    allow: (value) => Array.isArray(value) && value.every(isNetwork),
    pass: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  },
  pause: { until: isTime },
};

const fileChecks: Checks = {
  revision: isWhole(0),
  entries: (value) => Array.isArray(value) && value.length <= overlayEntriesMax,
};

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
  const wrong = wrongKeyOfFile(json);
  if (wrong !== null) return { why: `it is damaged: ${wrong === '' ? 'its form is wrong' : `${wrong} is wrong`}` };
  const read = json as { readonly revision: number; readonly entries: readonly FileEntry[] };
  const entries = read.entries.map(fromFile);
  const ids = new Set(entries.map(({ setting }) => overlayIdOf(setting)));
  if (ids.size !== entries.length) return { why: 'it is damaged: two entries have the same target and kind' };
  return { revision: read.revision, entries };
}

/** The path of the first key that is wrong, such as `entries.0.weight`; empty: the file as a whole; null: none is. */
function wrongKeyOfFile(json: unknown): string | null {
  const wrong = wrongKeyOf(json, 'version', overlayFileVersion, fileChecks);
  if (wrong !== null) return wrong;
  for (const [at, entry] of (json as { readonly entries: readonly unknown[] }).entries.entries()) {
    const { kind } = (entry ?? {}) as { readonly kind?: FileEntry['kind'] };
    const checks = typeof kind === 'string' && Object.hasOwn(entryChecks, kind) ? entryChecks[kind] : null;
    const wrongInside =
      checks === null ? 'kind' : wrongKeyOf(entry, 'kind', kind, checks, optionalChecks[kind as FileEntry['kind']]);
    if (wrongInside !== null) return `entries.${at}${wrongInside === '' ? '' : `.${wrongInside}`}`;
  }
  return null;
}

/** `tag`: the key that says what the object is, and its only value. */
function wrongKeyOf(
  value: unknown,
  tag: string,
  tagValue: unknown,
  checks: Checks,
  optional: Checks = {},
): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  const object = value as Readonly<Record<string, unknown>>;
  if (object[tag] !== tagValue) return tag;
  const wrong = Object.entries(checks).find(([key, check]) => !Object.hasOwn(object, key) || !check(object[key]));
  if (wrong !== undefined) return wrong[0];
  const wrongOptional = Object.entries(optional).find(
    ([key, check]) => Object.hasOwn(object, key) && !check(object[key]),
  );
  if (wrongOptional !== undefined) return wrongOptional[0];
  return Object.keys(object).every((key) => key === tag || Object.hasOwn(checks, key) || Object.hasOwn(optional, key))
    ? null
    : '';
}

function toFile({ setting, revision, at, actor }: OverlayEntry): FileEntry {
  const source = { revision, at, actor };
  switch (setting.kind) {
    case 'maintenance': {
      const { retryAfterS, ...rest } = setting;
      return { ...rest, retry_after_s: retryAfterS, ...source };
    }
    case 'pause': {
      const { waitMs, waitersMax, ...rest } = setting;
      return { ...rest, wait_ms: waitMs, waiters_max: waitersMax, ...source };
    }
    case 'weight':
    case 'drain':
    case 'eject':
    case 'scale':
    case 'stop':
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
      const { retry_after_s: retryAfterS, revision: _, at: __, actor: ___, ...rest } = entry;
      return { ...rest, retryAfterS };
    }
    case 'pause': {
      const { kind, scope, target, wait_ms: waitMs, waiters_max: waitersMax, until } = entry;
      return { kind, scope, target, waitMs, waitersMax, ...(until === undefined ? {} : { until }) };
    }
    case 'weight':
      return { kind: entry.kind, endpoint: entry.endpoint, weight: entry.weight };
    case 'drain':
      return { kind: entry.kind, endpoint: entry.endpoint };
    case 'eject':
      return { kind: entry.kind, endpoint: entry.endpoint, until: entry.until, why: entry.why };
    case 'scale':
      return { kind: entry.kind, application: entry.application, instances: entry.instances };
    case 'stop':
      return { kind: entry.kind, application: entry.application };
  }
}
