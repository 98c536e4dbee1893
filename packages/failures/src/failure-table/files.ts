import type { CaseTexts, FailureTable } from '../failure-spec.ts';
import { bytes, duration, quoted } from './formatting.ts';

const seeLog = 'Look into the log of the kernel (`dmesg`) for errors of the disk or of the network file system.';

/** Routes with `files`: what can be wrong with a file, and with the disk that it is on. */
export const files = {
  file_not_found: {
    type: 'destination_not_found',
    status: 404,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'There is no such file',
    sentence: ({ path, root, absence }) =>
      `The folder ${quoted(root)} has no file ${quoted(path)}${absences[absence] ?? ''}.`,
    forClient: 'There is no page at this address. Check whether it is spelt correctly.',
    usualCauses: [
      'a link or bookmark leads to a page that does not exist any more',
      'the path of the route is part of the path of the file: with `path: /assets` and `files: ./public` the file is ./public/assets/…, unless `rewrite: { path: / }` removes it',
      'a scanner tries addresses',
    ],
    nextStep: 'Look whether the file is in that folder; `candor route URL` shows the route.',
    inThisCase: ({ absence }) => casesOfAbsence[absence] ?? null,
  },
  site_file_missing: {
    type: 'destination_not_found',
    status: 404,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'Files of the site are gone',
    sentence: ({ path, root, what }) => (missing[what] ?? pageMissing)(quoted(path), quoted(root)),
    forClient:
      'This page is missing. It was here a short time ago; its operators can find the reason by the request id.',
    usualCauses: [
      'a deployment removes the files of the site before it copies the new ones, or has failed in between',
      'pages were deleted or renamed that others still link to',
    ],
    nextStep:
      'Compare the folder with what was to be deployed. Put the new files into a folder of their own, and lead a symbolic link to it by `mv -T`.',
    inThisCase: ({ what }) => casesOfSite[what] ?? null,
  },
  file_forbidden: {
    type: 'http_request_denied',
    status: 403,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: false,
    title: 'The gateway may not read the file',
    sentence: ({ path, errno }) => `The user of the gateway may not read the file for ${quoted(path)} (${errno}).`,
    forClient: 'This page may not be shown. Its operators can find the reason by the request id.',
    usualCauses: [
      'the file, or a folder above it, is readable for its owner alone',
      'a deployment copied files with the permissions of another user',
      'a security module (SELinux, AppArmor) or ProtectHome= of systemd keeps the gateway out',
    ],
    nextStep:
      'Give the user of the gateway the right to read the file, and to enter the folders above it (`namei -l`).',
  },
  file_failed: {
    type: 'proxy_internal_error',
    status: ({ errno }) => (errno === 'EMFILE' || errno === 'ENFILE' ? 503 : 500),
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The file cannot be read',
    sentence: ({ path, operation, errno }) => `To ${operation} the file for ${quoted(path)} failed (${errno}).`,
    forClient: 'This page cannot be read right now. Its operators can find the reason by the request id.',
    usualCauses: [
      'EIO, ESTALE: the disk or the network file system is damaged or gone',
      'EMFILE, ENFILE: the gateway or the machine has as many files open as it may',
    ],
    nextStep: `${seeLog} The errno in the record says which.`,
    inThisCase: ({ errno }) =>
      errno === 'EMFILE' || errno === 'ENFILE'
        ? {
            usualCauses: ['more clients and files are open at once than the limit of the process allows'],
            nextStep:
              'Compare `ls /proc/PID/fd | wc -l` with `grep "open files" /proc/PID/limits`, and give the gateway as many as `candor status` names.',
          }
        : null,
  },
  file_pool_full: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The disk is too slow for the requests',
    sentence: ({ path, waitedMs, waiting }) =>
      waitedMs === 0
        ? `All threads for files wait for the disk, and ${waiting} requests wait for a thread: there was none for ${quoted(path)}.`
        : `All threads for files waited for the disk: none became free for ${quoted(path)} within ${duration(waitedMs)}.`,
    forClient: 'This site cannot read its pages fast enough right now. Please try again shortly.',
    usualCauses: [
      'a disk or a network file system hangs: 8 threads read files, 4 of them at most on one device',
      'the disk is slow, and the files do not fit into memory',
    ],
    nextStep: `${seeLog} Other routes are not affected.`,
  },
  file_timeout: {
    type: 'proxy_internal_error',
    status: 504,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The disk did not answer in time',
    sentence: ({ path, operation, limitMs, bytesRead }) =>
      `To ${operation} the file for ${quoted(path)} took longer than ${duration(limitMs)}${operation === 'read' ? `, after ${bytes(bytesRead)}` : ''}.`,
    forClient: 'This page could not be read in time. Please try again shortly.',
    usualCauses: [
      'a network file system (NFS, SMB, FUSE) does not reach its server',
      'the disk is failing, or very busy',
    ],
    nextStep: `${seeLog} A file must be open within 10 seconds, and each part of it read within \`timeouts.idle\` of the route.`,
  },
  file_changed: {
    type: 'proxy_internal_error',
    status: 500,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The file was changed while it was sent',
    sentence: ({ path, change, bytesExpected, bytesRead }) =>
      change === 'truncated'
        ? `The file for ${quoted(path)} became shorter while it was sent: ${bytes(bytesRead)} of ${bytesExpected} could be read.`
        : `The file for ${quoted(path)} was rewritten in place while it was sent; the response was cut after ${bytes(bytesRead)} of ${bytesExpected}.`,
    forClient: 'This page was being replaced while it was sent. Please load it again.',
    usualCauses: [
      'a deployment copies files over those that are being served',
      'a log or another file that a program still writes is served',
    ],
    nextStep:
      'Replace files by rename: write the new one beside the old one and move it over; what is being sent is then completed from the old file.',
  },
} satisfies Partial<FailureTable>;

function pageMissing(path: string, root: string): string {
  return `The folder ${root} has no file ${path} any more: it has been sent before, and other pages are missing too.`;
}

const missing: Readonly<Record<string, (path: string, root: string) => string>> = {
  page: pageMissing,
  fallback: (path, root) => `The folder ${root} has no file ${path}, and lacks the \`fallback\` for such pages.`,
  folder: (path, root) => `The folder ${root}, in which the file ${path} was looked for, does not exist.`,
};

const casesOfSite: Readonly<Record<string, CaseTexts | null>> = {
  page: null,
  fallback: {
    title: 'The page for all others is missing',
    forClient: 'This page is missing. Its operators can find the reason by the request id.',
    usualCauses: [
      '`fallback` of the route has a typing mistake, or is not below its folder',
      'a deployment has not copied that file, or has failed',
    ],
    nextStep: 'Compare `fallback` of the route with what its folder has.',
  },
  folder: {
    title: 'The folder of the site does not exist',
    forClient: 'This page is missing. Its operators can find the reason by the request id.',
    usualCauses: [
      '`files` of the route has a typing mistake, or the site has not been built or copied yet',
      'a disk is not mounted, or a deployment has removed the folder',
    ],
    nextStep: 'Make the folder, or correct `files` of the route.',
  },
};

const absences: Readonly<Record<string, string>> = {
  missing: '',
  no_index: ': its folder has no index',
  hidden: ' that may be sent: a name begins with a dot',
  program: ' that may be sent: it is a PHP program',
  outside: ': a link leads out of it',
};

const casesOfAbsence: Readonly<Record<string, CaseTexts | null>> = {
  missing: null,
  no_index: {
    usualCauses: ['a folder has no file of the names under `index`, and `listing` is off'],
    nextStep: 'Give the folder an index.html, or let `files: { listing: true }` list it.',
  },
  hidden: {
    usualCauses: ['a scanner looks for files such as .env or .git, which are never served'],
    nextStep:
      'Nothing is wrong; a file that is to be served needs a name without a dot at its beginning, or the folder /.well-known.',
  },
  program: {
    usualCauses: [
      'a scanner looks for programs, or copies of them, whose text has passwords',
      'the folder is that of a PHP application, and the route does not run it',
    ],
    nextStep: 'To run the programs, give the route `php: { root: … }` and an upstream with `protocol: fastcgi`.',
  },
  outside: {
    usualCauses: ['a symbolic link in the folder leads out of it; what is outside is not served'],
    nextStep: 'Let `files` name a folder that has both, or copy the file into the folder.',
  },
};
