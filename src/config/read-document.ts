import { shapeOf } from '../schema/schema-parts.ts';
import { file as configuration } from './schema.ts';
import { type Document, isMap, isNode, isScalar, isSeq, type Node, parseDocument, visit } from 'yaml';
import { type ConfigurationError, configurationError } from './configuration-errors.ts';
import type { Environment } from './expand.ts';
import { foreignFile, foreignKeys } from './foreign-file.ts';
import { type SourcePart, sourceParts } from './included-files.ts';
import { MaskedSource } from './masked-source.ts';
import { nestStrayKeys } from './nest-stray-keys.ts';
import { type PositionIndex, PathPositions } from './position-index.ts';
import { type SourceText, positionOf, sourceText, wholeFile } from './source-text.ts';
import { syntaxErrors } from './syntax-errors.ts';
import { IncludedDocuments, type IncludeError, TreeReader } from './tree-reader.ts';

/** Larger files are no configurations written by people, and take long to read. */
export const fileBytesMax = 1024 * 1024;

interface ReadDocument {
  /** Plain data; undefined where nothing usable was read. */
  readonly value: unknown;
  /** As `value`; of a file with errors of syntax, what could be read nevertheless. */
  readonly readable: unknown;
  readonly positions: PositionIndex;
  readonly errors: readonly ConfigurationError[];
  /** What it includes, by the names in `IncludedFile`. */
  readonly includes?: readonly string[];
}

interface Includes {
  readonly parts: readonly [SourcePart, ...SourcePart[]];
  readonly unread?: ReadonlyMap<string, IncludeError> | undefined;
}

/** YAML text into plain data with the place of every key and value, variables expanded. Never throws. */
export function readDocument(
  text: string,
  file: string,
  environment: Environment,
  { parts, unread = new Map() }: Includes = { parts: sourceParts(text) },
): ReadDocument {
  const [main, ...included] = parts;
  const source = sourceText(text);
  const positions = new PathPositions(source);
  const early = textErrors(source, file, main.text);
  if (early.length > 0) return { value: undefined, readable: undefined, positions, errors: early };
  const document = parseSafely(main);
  if (document === null) {
    const error = configurationError(
      file,
      positionOf(source, 0, 1),
      '',
      'the file is nested too deeply to be read',
      'no key of ours lies deeper than eight levels',
    );
    return { value: undefined, readable: undefined, positions, errors: [error] };
  }
  const foreign = foreignIn(document, main.text, file);
  if (foreign !== null) {
    const { at, program, suggestion } = foreign;
    const isConfiguration = program.startsWith('a configuration');
    const message = `this is ${program}, and ${isConfiguration ? 'none' : 'no configuration'} of Candor`;
    const error = configurationError(file, positionOf(source, at, at + 1), '', message, suggestion);
    return { value: undefined, readable: undefined, positions, errors: [error] };
  }
  const reader = new TreeReader(source, file, environment, positions, document);
  const documents: [SourcePart, Document.Parsed][] = [];
  for (const part of included) {
    const parsed = parseSafely(part);
    if (parsed !== null) documents.push([part, parsed]);
  }
  reader.included = new IncludedDocuments(documents, unread);
  for (const { at, message, suggestion } of nestStrayKeys(document, main.text))
    reader.rejectKey(at, message, suggestion);
  const value = document.contents === null ? undefined : reader.read(document.contents, []);
  reader.readIncludedMaps(value);
  const readable = reader.exhausted ? undefined : value;
  const masked = (): string => new MaskedSource({ source: text, value: readable, positions, isBroken: true }).asterisks;
  const syntax = [document, ...documents.map(([, one]) => one)].map((one) => syntaxErrors(one, source, file, masked));
  const errors = syntax.flatMap((one) => one.errors);
  if (syntax.some(({ fatal }) => fatal)) return { value: undefined, readable, positions, errors };
  return {
    value: readable,
    readable,
    positions,
    errors: [...errors, ...reader.errors],
    includes: reader.included.wanted,
  };
}

function foreignIn({ errors, contents }: Document.Parsed, text: string, file: string): ReturnType<typeof foreignFile> {
  if (errors.length > 0 || !isMap(contents)) return foreignFile(text, file);
  const keys = contents.items.map(
    ({ key, value }) =>
      ({
        name: isScalar(key) ? String(key.value) : '',
        at: isNode(key) ? (key.range?.[0] ?? 0) : 0,
        value: isMap(value)
          ? 'map'
          : isSeq(value)
            ? 'list'
            : isScalar(value) && typeof value.value === 'string'
              ? 'text'
              : 'other',
      }) as const,
  );
  return foreignKeys(keys, (name) => name in shapeOf(configuration), file);
}

/** Positions are those in the text of all files. */
function parseSafely({ text, start }: SourcePart): Document.Parsed | null {
  try {
    const document = parseDocument(text, { prettyErrors: false });
    if (start === 0) return document;
    for (const error of [...document.errors, ...document.warnings])
      error.pos = [error.pos[0] + start, error.pos[1] + start];
    const moved = new Set<Node>();
    visit(document, {
      Node(_, node) {
        const { range } = node;
        if (range === null || range === undefined || moved.has(node)) return;
        moved.add(node);
        node.range = [range[0] + start, range[1] + start, range[2] + start];
      },
    });
    return document;
  } catch (thrown) {
    // The parser descends with the document; only running out of stack is expected of it.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

/** What can be said before it is YAML: empty, or not text. */
function textErrors(source: SourceText, file: string, main: string): ConfigurationError[] {
  // Line by line: one pattern for the whole would try every way to split a line of hashes.
  if (main.split('\n').every((line) => /^\s*(?:#|$)/.test(line))) {
    const minimal = 'begin with: upstreams: { app: "127.0.0.1:3000" }';
    return [
      configurationError(
        file,
        source.text === '' ? wholeFile : positionOf(source, 0, 1),
        '',
        'the file is empty',
        `${minimal}; or for a folder of files: routes: [{ files: ./public }]`,
      ),
    ];
  }
  const strange = [...source.text.matchAll(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/g)].slice(0, 5);
  return strange.map((match) => {
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return configurationError(
      file,
      positionOf(source, match.index, match.index + 1),
      '',
      `the control character U+${code} cannot stand in YAML`,
      'remove it; in double quotes it can be written as \\u' + code.toLowerCase(),
    );
  });
}
