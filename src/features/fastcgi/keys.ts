import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { type Result, succeed } from '#failures/result.ts';
import { orNone, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type FastCgiUpstreamRead, reviewFastCgi } from './keys-review.ts';
import { fastCgiName, type PhpSpec } from './settings.ts';

const absent = {
  index: declare('index.php', 'Nearly all PHP applications have it.'),
  split: declare('.php', 'php-fpm runs no other files by itself (`security.limit_extensions`).'),
  frontController: declare(
    '/index.php',
    'Applications make their pages from one program; WordPress, Laravel and Symfony do.',
  ),
  remote: declare('false', 'Otherwise a file that a visitor has uploaded could be run under another name.'),
};

function parseRoot(written: string): Result<string, ErrorDetail> {
  if (!written.startsWith('/'))
    return reject(`${quoted(written)} does not begin at "/"`, 'write the whole path of the folder, such as /srv/www');
  return succeed(written.replace(/\/+$/, ''));
}

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
        parsed(parseRoot, { kind: 'path', examples: ['/srv/www'] }),
        'The folder with the programs (DOCUMENT_ROOT). Only files below it are run: a path that names none is a 404 (`script_not_found`).',
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

export const fastCgi: FeatureKeys = featureKeys<RouteRead, FastCgiUpstreamRead>({
  name: fastCgiName,
  routeKeys: phpKeys,
  needsUpstream: true,
  forms: { php: { example: '{ root: /srv/www }', off: 'remove the key', stands: ['root'] } },
  ofRoute({ php }): PhpSpec | null {
    if (php?.root === undefined) return null;
    const { root, index, split, front_controller: front, remote } = php;
    return {
      root,
      index: index ?? absent.index.written,
      split: split ?? absent.split.written,
      frontController: front === undefined ? absent.frontController.written : front,
      remote: remote ?? false,
    };
  },
  ofUpstream: ({ protocol }) => (protocol === 'fastcgi' ? {} : null),
  review: reviewFastCgi,
});
