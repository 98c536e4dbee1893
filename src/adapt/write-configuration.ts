import { Document, isMap, isScalar, type Node, type Pair, type YAMLMap } from 'yaml';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { AdaptedApplication, Command, Conversion, ConversionNote } from './conversion.ts';

/** A configuration with the notes of the conversion as comments, where they belong. */
export function writeConfiguration(result: Conversion, title: string): string {
  hideSecretsOfCommands(result);
  const plain = {
    ...section('dependencies', Object.fromEntries(result.dependencies)),
    ...section('listeners', Object.fromEntries(result.listeners)),
    ...section('upstreams', Object.fromEntries(result.upstreams)),
    ...section('applications', Object.fromEntries([...result.applications].map(([name, one]) => [name, written(one)]))),
    ...(result.routes.length === 0 ? {} : { routes: result.routes }),
  };
  const document = new Document(plain, { aliasDuplicateObjects: false });
  const applications = document.get('applications');
  if (isMap(applications)) {
    for (const pair of applications.items as Pair<Node, Node>[]) {
      const notes = result.notes.filter(({ application }) => application !== null && keyOf(pair) === application);
      if (notes.length > 0 && isScalar(pair.key)) pair.key.commentBefore = notes.map(commentOf).join('\n');
      if (isMap(pair.value)) flowLists(pair.value);
    }
  }
  const routes = document.get('routes') as YAMLMap | undefined;
  for (const route of (routes?.items ?? []) as unknown as { flow?: boolean }[]) route.flow = true;
  const shown = result.notes.filter(({ application }) => application === null || !result.applications.has(application));
  const head = [title, ...shown.map(commentOf)].map((line) =>
    line
      .split('\n')
      .map((one) => `#${one}`)
      .join('\n'),
  );
  return `${head.join('\n')}\n\n${document.toString({ lineWidth: 0, flowCollectionPadding: true })}`;
}

function keyOf({ key }: Pair<Node, Node>): string {
  return isScalar(key) ? String(key.value) : '';
}

/** Short lists of words in one line, as people write them. */
function flowLists(map: YAMLMap): void {
  for (const { value } of map.items as Pair<Node, Node | null>[]) {
    if (isMap(value)) flowLists(value);
    else if (value !== null && 'items' in value) (value as { flow?: boolean }).flow = true;
  }
}

export function noteText({ line, kind, text }: ConversionNote): string {
  const at = line === 0 ? '' : `line ${line}: `;
  return kind === 'left_out' ? `${at}not converted: ${text}` : `${at}${text}`;
}

function commentOf(note: ConversionNote): string {
  return ` ${noteText(note)}`;
}

function section(name: string, value: object): object {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

function written(application: AdaptedApplication): object {
  const { command, directory, environment, secrets, instances, port, readiness, stop_timeout, user, isolation } =
    application;
  return {
    ...(command === undefined ? {} : { command }),
    ...(directory === undefined ? {} : { directory }),
    ...(instances === undefined || instances === 1 ? {} : { instances }),
    ...(port === undefined ? {} : { port }),
    ...section('environment', environment),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(application.depends_on.length === 0 ? {} : { depends_on: application.depends_on }),
    ...(readiness === undefined ? {} : { readiness: shortReadiness(readiness) }),
    ...(stop_timeout === undefined ? {} : { stop_timeout }),
    ...section('restart', application.restart),
    ...(user === undefined ? {} : { user }),
    ...section('limits', application.limits),
    ...(isolation === undefined ? {} : { isolation }),
    ...section('releases', application.releases),
    ...section('workers', application.workers),
    ...section('jobs', application.jobs),
  };
}

function shortReadiness(readiness: NonNullable<AdaptedApplication['readiness']>): object | string {
  const [only, ...more] = Object.keys(readiness);
  if (more.length > 0) return readiness;
  if (only === 'path' && readiness.path !== undefined) return readiness.path;
  return only === 'tcp' ? 'tcp' : readiness;
}

/** A command line is read by every user of the machine, and a configuration by many. */
function hideSecretsOfCommands(result: Conversion): void {
  const redactor = new TextRedactor();
  for (const [name, application] of result.applications) {
    const hide = (command: Command): Command => {
      const words = typeof command === 'string' ? command.split(' ') : command;
      // A variable in place of a value is what is advised.
      const constant = words.map((word) => word.replace(/(["']?)\$+(?:\{\w+[^}]*\}|\w+)\1/g, ''));
      if (redactor.redactCommand(constant).every((word, index) => word === constant[index])) return command;
      const shown = redactor.redactCommand(words);
      if (shown.every((word, index) => word === words[index])) return command;
      result.changed(
        0,
        'a command had what looks like a secret, "…" now: let the program read it from a variable',
        name,
      );
      return typeof command === 'string' ? shown.join(' ') : shown;
    };
    if (application.command !== undefined) application.command = hide(application.command);
    if (application.releases.before !== undefined) application.releases.before = hide(application.releases.before);
    for (const one of [...Object.values(application.workers), ...Object.values(application.jobs)])
      one.command = hide(one.command);
  }
}
