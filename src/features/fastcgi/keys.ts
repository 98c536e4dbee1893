import { resolve } from 'node:path';
import * as z from 'zod';
import { hasPrefix, type RoutePaths } from '../../core/path-match.ts';
import { declare } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { type Result, succeed } from '#failures/result.ts';
import { orNone, parsed, path } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type FastCgiUpstreamRead, reviewFastCgi } from './keys-review.ts';
import { fastCgiName, phpDefaults, phpRead, type PhpSpec } from './settings.ts';

const absent = {
  index: declare(phpDefaults.index, 'Nearly all PHP applications have it.'),
  split: declare(phpDefaults.split, 'php-fpm runs no other files by itself (`security.limit_extensions`).'),
  frontController: declare(
    phpDefaults.frontController,
    'Applications make their pages from one program; WordPress, Laravel and Symfony do.',
  ),
  static: declare('true', 'Pages need their pictures, scripts and styles. Not where the folder is `remote`.'),
  remote: declare('false', 'Otherwise a file that a visitor has uploaded could be run under another name.'),
};

function parseName(written: string): Result<string, ErrorDetail> {
  const isName = /^[^/\0]+$/.test(written) && written !== '.' && written !== '..';
  return isName
    ? succeed(written)
    : reject(`${quoted(written)} is no name of a file`, 'write a name such as index.php');
}

function parseEnding(written: string): Result<string, ErrorDetail> {
  return /^\.[^/\0]+$/.test(written)
    ? succeed(written)
    : reject(`${quoted(written)} is no ending of a name`, 'write it with its dot, such as .php');
}

function parseProgram(written: string): Result<string, ErrorDetail> {
  const isPath = /^(?:\/[^/\0]+)+$/.test(written) && !/\/\.{1,2}(?:\/|$)/.test(written);
  return isPath
    ? succeed(written)
    : reject(`${quoted(written)} is no path below "root"`, 'write it with its slash, such as /index.php, or none');
}

const phpKeys = {
  php: key(
    section({
      root: key(
        path,
        'The folder with the programs (DOCUMENT_ROOT), from that of this file. Only files below it are run: a path that names none is a 404 (`script_not_found`).',
      ),
      index: key(parsed(parseName, { kind: 'name' }), 'The program of a folder.', absent.index),
      split: key(
        parsed(parseEnding, { kind: 'ending' }),
        'How the names of programs end. What follows one in a path is PATH_INFO.',
        absent.split,
      ),
      front_controller: key(
        parsed(orNone(parseProgram), { kind: 'path, `none`' }),
        'The program that gets the requests for paths that name no program, or `none`.',
        absent.frontController,
      ),
      static: key(
        z.boolean(),
        'Whether the other files of the folder are sent, such as pictures; programs never are. `files` beside `php` says more.',
        absent.static,
      ),
      variables: key(
        hide(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])), 'value'),
        'What programs are told besides, such as `APP_ENV: production` or PHP_VALUE; they find it in `$_SERVER`.',
      ),
      remote: key(
        z.boolean(),
        'Whether the folder is where the application runs, such as in a container, and not on this machine. Then the gateway cannot see which programs there are: php-fpm must refuse what is none.',
        absent.remote,
      ),
    }),
    'Which PHP program a request is for, where `to` names an upstream with `protocol: fastcgi`.',
  ),
};

type RouteRead = z.output<z.ZodObject<typeof phpKeys>>;

export const fastCgi: FeatureKeys = featureKeys<RouteRead & { readonly path?: RoutePaths }, FastCgiUpstreamRead>({
  name: fastCgiName,
  routeKeys: phpKeys,
  needsUpstream: true,
  forms: { php: { example: '{ root: /srv/www }', off: 'remove the key' } },
  ofRoute({ php, path: paths }, _, { directory }): PhpSpec | null {
    const read = phpRead(php);
    if (read?.root === undefined) return null;
    const { root, index, split, frontController, remote, variables } = read;
    return {
      ...{ root: resolve(directory, root), index, split, frontController, remote },
      variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
      isBelow: hasPrefix(paths),
    };
  },
  filesOfRoute: ({ php }) =>
    php?.root === undefined || php.remote === true
      ? []
      : [{ kind: 'served_folder', path: php.root, at: ['php', 'root'] }],
  ofUpstream: ({ protocol }) => (protocol === 'fastcgi' ? {} : null),
  review: reviewFastCgi,
});
