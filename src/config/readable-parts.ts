import type { Configuration } from '../core/configuration.ts';
import { build } from './build.ts';
import type { BuildContext } from './build-context.ts';
import { type Draft, isMap, readDraft } from './draft.ts';
import { ErrorCollector } from './error-collector.ts';
import type { PositionIndex } from './position-index.ts';

/** What a file with errors still says of where its gateway answers and writes. A part that cannot be read has its default. */
export interface ReadableParts extends Pick<Configuration, 'deployment' | 'admin' | 'log'> {
  /** The file is YAML, and none of these parts has an error. */
  readonly isCertain: boolean;
}

const keysOfAdmin = ['socket', 'listen', 'tls'];

/** `value`: the file as plain data, as far as its syntax allows. Reports nothing: `parseConfiguration` reports the errors. */
export function readableParts(
  value: unknown,
  positions: PositionIndex,
  context: BuildContext,
  isWhole: boolean,
): ReadableParts {
  const read = (part: unknown): Draft => readDraft(part, positions, new ErrorCollector('', positions));
  const draft = read(isMap(value) ? { deployment: value['deployment'], log: value['log'], admin: value['admin'] } : {});
  const { plain, raw } = draft;
  const { admin: written } = raw;
  // A key of `admin` with an error takes none of the others away.
  const admin =
    plain.admin ??
    (isMap(written)
      ? Object.assign({}, ...keysOfAdmin.map((key) => read({ admin: { [key]: written[key] } }).plain.admin ?? {}))
      : undefined);
  const { deployment, log } = plain;
  const parts = {
    ...(deployment === undefined ? {} : { deployment }),
    ...(log === undefined ? {} : { log }),
    ...(admin === undefined ? {} : { admin }),
  };
  const none = { raw: {}, listeners: new Map(), upstreams: new Map(), applications: new Map(), routes: new Map() };
  const built = build({ ...none, plain: parts }, context);
  const isCertain =
    isWhole && isMap(value) && Object.keys(raw).every((key) => raw[key] === undefined || Object.hasOwn(parts, key));
  return { deployment: built.deployment, admin: built.admin, log: built.log, isCertain };
}
